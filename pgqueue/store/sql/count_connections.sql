-- Count the connections that the server allows to ordinary roles, and the open ones. The open ones
-- include the server's own workers in a database. `reserved_connections` exists from PostgreSQL 16 on;
-- every role may read the counts.
--
-- Index: none; settings and statistics.
-- Locks: none.
select
  current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer
    - coalesce(current_setting('reserved_connections', true)::integer, 0) as allowed,
  coalesce(sum(stat.numbackends), 0)::integer as taken
from pg_catalog.pg_stat_database as stat;
