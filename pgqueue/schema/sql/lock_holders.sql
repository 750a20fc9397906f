-- List the sessions that have tables of the schema locked, longest first, in words for a person.
--
-- Index: none; read once, from the server's views.
-- Locks: none.
select
  format(
    'process %%s (%%s%%s, %%s s)',
    activity.pid,
    coalesce(nullif(activity.application_name, ''), 'without a name'),
    ', ' || activity.state,
    round(extract(epoch from clock_timestamp() - activity.xact_start))
  )
from pg_stat_activity as activity
where activity.pid <> pg_backend_pid()
  and activity.pid in (
    select granted.pid
    from pg_locks as granted
    join pg_class as class on class.oid = granted.relation
    join pg_namespace as space on space.oid = class.relnamespace
    where granted.granted
      and space.nspname = %(schema)s::text
  )
order by activity.xact_start
limit 3;
