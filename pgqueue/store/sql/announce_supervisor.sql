-- Announce whether producers are to notify a supervisor, and how long the announcement counts.
--
-- A fail-over to a standby that is behind, a restore and a prune lose the row of a live supervisor.
-- The announcement adds the row again, with its old id.
--
-- Index: supervisors_pkey; supervisors_notify_until finds the other supervisors.
-- Locks: the supervisor's row. A supervisor that has stopped announces nothing.
-- Answer: how many supervisors with a common queue there are, this one included. Two with a prefix
--         are taken to have one.
with announced as (
  insert into pgqueue.supervisors as supervisor (
    id, host, pid, version, queues, prefixes, slots, wants_notify, notify_until
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
    clock_timestamp() + make_interval(secs => %(seconds)s::float8)
  )
  on conflict (id) do update
  set
    wants_notify = excluded.wants_notify,
    notify_until = excluded.notify_until
  where supervisor.stopped_at is null
  returning supervisor.id, supervisor.queues, supervisor.prefixes
)
select 1 + count(*)::integer
from announced
join pgqueue.supervisors as other on other.id <> announced.id
where other.notify_until > (select clock_timestamp())
  and (
    other.queues && announced.queues
    or (other.prefixes || announced.prefixes) <> '{}'::text[]
  );
