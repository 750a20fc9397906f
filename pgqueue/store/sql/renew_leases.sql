-- Renew the leases of a supervisor's live workers, and record what the supervisor does now.
--
-- It also records that the database was reached, unless expire_leases.sql has to treat the time since
-- the last contact as an outage.
--
-- Index: workers_live (supervisor_id) where stopped_at is null; supervisors_pkey; contact_pkey.
-- Locks: the workers, in id order, then the supervisor. The row of `contact` is skipped while
--        another session has it locked.
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
reached as materialized (
  select
  from pgqueue.contact as contact
  where contact.contact_at
    > clock_timestamp() - make_interval(secs => %(lease_seconds)s::float8 / 2)
  for no key update of contact skip locked
),
recorded as (
  update pgqueue.contact as contact
  set contact_at = clock_timestamp()
  from reached
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
