-- Renew the leases of a supervisor and of its live workers, and record what the supervisor does now.
--
-- It also records that the database was reached, unless expire_leases.sql has to treat the time since
-- the last contact as an outage.
--
-- Index: workers_live (supervisor_id) where stopped_at is null; supervisors_pkey; contact_pkey;
--        supervisors_lease_until finds the other live supervisors.
-- Locks: the workers, in id order, then the supervisor. The row of `contact` is skipped while
--        another session has it locked.
-- Answer: one row. The workers that live: the lease of a missing one has expired, so that other
--         workers run its jobs, and its supervisor must end it. Live workers of this supervisor that
--         it did not register: they belong to a restored or hand-made table, and are left alone.
--         Whether this supervisor has a row that has not stopped.
--         Then, among the live supervisors by id, this one's rank, from 0; their number; how many
--         have a common queue with it, itself included: two with a prefix are taken to have one. And
--         the time that they share, in seconds: no two databases of a server have the same.
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
    lease_until = clock_timestamp() + make_interval(secs => %(listed_seconds)s::float8),
    slots = %(slots)s::integer,
    busy_slots = %(busy_slots)s::integer,
    run_seconds = %(run_seconds)s::float8
  where supervisor.id = %(supervisor_id)s::bigint
    and supervisor.stopped_at is null
  returning supervisor.id, supervisor.queues, supervisor.prefixes
),
others as materialized (
  select
    other.id,
    exists (
      select
      where other.queues && seen.queues
        or (other.prefixes || seen.prefixes) <> '{}'::text[]
    ) as has_common_queue
  from seen
  join pgqueue.supervisors as other on other.id <> seen.id
  where other.lease_until > (select clock_timestamp())
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
select
  (select array_agg(renewed.id) from renewed) as renewed_ids,
  (
    select array_agg(worker.id)
    from pgqueue.workers as worker
    where worker.supervisor_id = %(supervisor_id)s::bigint
      and worker.stopped_at is null
      and worker.id <> all(%(worker_ids)s::bigint[])
  ) as foreign_ids,
  exists (select from seen) as is_recorded,
  counted.rank,
  counted.supervisors,
  counted.peers,
  extract(epoch from clock_timestamp())::float8
    + mod(least(counted.first_id, %(supervisor_id)s::bigint), 3600) as shared_seconds
from (
  select
    count(*) filter (where others.id < %(supervisor_id)s::bigint)::integer as rank,
    1 + count(*)::integer as supervisors,
    1 + count(*) filter (where others.has_common_queue)::integer as peers,
    min(others.id) as first_id
  from others
) as counted;
