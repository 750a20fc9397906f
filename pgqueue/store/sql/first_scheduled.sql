-- Name the scheduled job that promote.sql would take first, with its priority and due time: a text
-- that promote.sql takes as `after`.
--
-- Index: jobs_due ((- priority), run_at) where status = 'scheduled', as in promote.sql.
-- Locks: that job, for this moment; locked ones are skipped, as in promote.sql.
with recursive began as materialized (
  select
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
)
select ready.id, ready.urgency || '|' || ready.run_at
from priorities
cross join lateral (
  select job.id, - job.priority as urgency, job.run_at
  from pgqueue.jobs as job
  where job.status = 'scheduled'
    and (- job.priority, job.run_at) >= (priorities.urgency, priorities.first_run_at)
    and (- job.priority, job.run_at) <= (priorities.urgency, (select clock_timestamp()))
    and job.id <> all(%(refused)s::bigint[])
  order by - job.priority, job.run_at
  limit 1
  for no key update of job skip locked
) as ready
limit 1;
