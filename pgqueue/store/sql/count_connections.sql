-- How many connections the server takes from those with no right of their own to more, and has
-- taken, the server's own workers in a database among them. `reserved_connections` is of PostgreSQL 16; the counts are of everybody's to read.
--
-- Index: none; settings and statistics.
-- Locks: none.
select
  current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer
    - coalesce(current_setting('reserved_connections', true)::integer, 0) as allowed,
  coalesce(sum(stat.numbackends), 0)::integer as taken
from pg_catalog.pg_stat_database as stat;
