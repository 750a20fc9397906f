-- Announce whether producers are to notify a supervisor, and how long the announcement counts.
--
-- Index: supervisors_pkey; supervisors_notify_until finds the other supervisors.
-- Locks: the supervisor's row. A supervisor that has stopped announces nothing.
-- Answer: how many supervisors with a common queue there are, this one included. Two with a prefix
--         are taken to have one.
with announced as (
  update pgqueue.supervisors as supervisor
  set
    wants_notify = %(wants_notify)s::boolean,
    notify_until = clock_timestamp() + make_interval(secs => %(seconds)s::float8)
  where supervisor.id = %(supervisor_id)s::bigint
    and supervisor.stopped_at is null
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
