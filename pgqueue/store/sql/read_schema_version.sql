-- Read the revision that the database is at, and which releases it serves.
--
-- Index: none; the table has one row, written by Alembic.
-- Locks: none.
select version.version_num, version.serves
from pgqueue.schema_version as version;
