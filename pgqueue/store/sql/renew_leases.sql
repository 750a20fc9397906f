-- Renew the leases of a supervisor's live workers, and record what the supervisor does now.
--
-- Index: workers_live (supervisor_id) where stopped_at is null; supervisors_pkey.
-- Locks: the workers, in id order, then the supervisor.
-- Answer: the workers that live. The lease of a missing worker has expired: other workers run its
--         jobs, and its supervisor must end it.
with live as materialized (
  select worker.id
  from pgqueue.workers as worker
  where worker.supervisor_id = %(supervisor_id)s::bigint
    and worker.stopped_at is null
  order by worker.id
  for no key update of worker
),
seen as (
  update pgqueue.supervisors as supervisor
  set
    last_seen_at = clock_timestamp(),
    slots = %(slots)s::integer,
    busy_slots = %(busy_slots)s::integer,
    run_seconds = %(run_seconds)s::float8
  where supervisor.id = %(supervisor_id)s::bigint
)
update pgqueue.workers as worker
set
  last_seen_at = clock_timestamp(),
  lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s::float8)
from live
where worker.id = live.id
returning worker.id;
