-- Read the revision that the database is at.
--
-- Index: none; the table has one row, written by Alembic.
-- Locks: none.
select version.version_num
from pgqueue.schema_version as version;
