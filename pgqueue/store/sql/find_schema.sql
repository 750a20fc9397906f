-- Find the table of the jobs, without an error when the schema or the table is missing.
--
-- Index: pg_namespace_nspname_index, pg_class_relname_nsp_index.
-- Locks: none.
select pg_catalog.to_regclass('pgqueue.jobs')::pg_catalog.text;
