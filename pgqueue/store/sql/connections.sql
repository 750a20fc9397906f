-- How many connections the server takes from those who are not superusers, and has taken.
--
-- Index: none; settings, and the list of sessions.
-- Locks: none.
select
  current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer as allowed,
  count(*)::integer as taken
from pg_catalog.pg_stat_activity as session
where session.backend_type = 'client backend';
