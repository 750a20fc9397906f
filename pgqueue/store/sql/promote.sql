-- Queue scheduled jobs that are due, a limited number at a time: by priority, then in the order they
-- fell due.
--
-- By priority, so that an urgent job does not wait until all jobs are queued that fell due before it.
--
-- Index: jobs_due ((- priority), run_at) where status = 'scheduled', one probe for each priority, then
--        the due jobs of one priority after the other; jobs_pkey, by lists of one as in settle.sql.
-- Answer: each job, and whether it is queued: a trigger of the application may keep it silently.
-- Locks: the due jobs, in that order; locked ones are skipped, for the next batch.
with recursive began as materialized (
  select
    clock_timestamp() as at,
    coalesce(split_part(%(after)s::text, '|', 1)::int, -32768) as urgency,
    coalesce(split_part(%(after)s::text, '|', 2)::timestamptz, '-infinity') as run_at
),
priorities as (
  (
    select - job.priority as urgency, job.run_at as first_run_at
    from pgqueue.jobs as job
    where job.status = 'scheduled'
      and (- job.priority, job.run_at) >= (
        (select began.urgency from began), (select began.run_at from began)
      )
    order by - job.priority, job.run_at
    limit 1
  )
  union all
  select next.urgency, next.first_run_at
  from priorities
  cross join lateral (
    select - job.priority as urgency, job.run_at as first_run_at
    from pgqueue.jobs as job
    where job.status = 'scheduled'
      and (- job.priority) > priorities.urgency
    order by - job.priority, job.run_at
    limit 1
  ) as next
),
due as materialized (
  select ready.id, ready.run_at
  from priorities
  cross join lateral (
    select job.id, job.run_at
    from pgqueue.jobs as job
    where job.status = 'scheduled'
      -- Before it lie entries of jobs that were promoted.
      and (- job.priority, job.run_at) >= (priorities.urgency, priorities.first_run_at)
      and (- job.priority, job.run_at) <= (priorities.urgency, (select began.at from began))
      and job.id <> all(%(refused)s::bigint[])
    order by - job.priority, job.run_at
    limit %(jobs_max)s::int
    for no key update of job skip locked
  ) as ready
  limit %(jobs_max)s::int
),
ordered as materialized (
  select due.id, nextval('pgqueue.jobs_position') as position
  from due
  order by due.run_at, due.id
),
queued as (
  update pgqueue.jobs as job
  set
    status = 'queued',
    position = ordered.position
  from ordered
  where job.id = any(array[ordered.id])
  returning job.id
)
select due.id, due.id in (select queued.id from queued) as is_changed
from due;
