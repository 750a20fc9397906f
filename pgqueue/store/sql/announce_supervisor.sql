-- Announce whether producers are to notify a supervisor.
--
-- A fail-over to a standby that is behind, a restore and a prune lose the row of a live supervisor.
-- The announcement adds the row again, with its old id.
--
-- Index: supervisors_pkey; supervisors_lease_until is written.
-- Locks: the supervisor's row. A supervisor that has stopped announces nothing.
insert into pgqueue.supervisors as supervisor (
  id, host, pid, version, queues, prefixes, slots, wants_notify, lease_until
)
values (
  %(supervisor_id)s::bigint,
  %(host)s::text,
  %(pid)s::integer,
  %(version)s::text,
  %(queues)s::text[],
  %(prefixes)s::text[],
  %(slots)s::integer,
  %(wants_notify)s::boolean,
  clock_timestamp() + make_interval(secs => %(listed_seconds)s::float8)
)
on conflict (id) do update
set
  wants_notify = excluded.wants_notify,
  lease_until = excluded.lease_until
where supervisor.stopped_at is null;
