-- Renew the leases of a supervisor's live workers, and record what the supervisor does now.
--
-- Index: workers_live (supervisor_id) where stopped_at is null; supervisors_pkey.
-- Locks: the workers, in id order, then the supervisor.
-- Answer: the workers that live, and whether the supervisor registered them. The lease of a missing
--         worker has expired: other workers run its jobs, and its supervisor must end it. Workers
--         that it did not register belong to a restored or hand-made table, and are left alone.
with live as materialized (
  select worker.id
  from pgqueue.workers as worker
  where worker.supervisor_id = %(supervisor_id)s::bigint
    and worker.stopped_at is null
    and worker.id = any(%(worker_ids)s::bigint[])
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
),
renewed as (
  update pgqueue.workers as worker
  set
    last_seen_at = clock_timestamp(),
    lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s::float8)
  from live
  where worker.id = live.id
  returning worker.id
)
select renewed.id, true as is_own
from renewed
union all
select worker.id, false
from pgqueue.workers as worker
where worker.supervisor_id = %(supervisor_id)s::bigint
  and worker.stopped_at is null
  and worker.id <> all(%(worker_ids)s::bigint[]);
