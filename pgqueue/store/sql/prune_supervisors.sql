-- Delete supervisors that stopped, or were last seen, a given time ago.
--
-- Index: none; the table has a row for each start of the last days.
-- Locks: the deleted rows.
delete from pgqueue.supervisors as supervisor
where coalesce(supervisor.stopped_at, supervisor.last_seen_at)
  < clock_timestamp() - make_interval(secs => %(keep_seconds)s::float8)
returning supervisor.id;
