-- Queue scheduled jobs that are due, a limited number at a time, in the order they fell due.
--
-- Index: jobs_scheduled (run_at) where status = 'scheduled'; jobs_pkey, by lists of one as in
--        settle.sql.
-- Answer: each job, and whether it is queued: a trigger of the application may keep it silently.
-- Locks: the due jobs, earliest first; locked ones are skipped, for the next batch.
with due as materialized (
  select job.id, job.run_at
  from pgqueue.jobs as job
  where job.status = 'scheduled'
    and job.run_at <= (select clock_timestamp())
    and job.run_at >= coalesce(%(after)s::timestamptz, '-infinity')
    and job.id <> all(%(refused)s::bigint[])
  order by job.run_at
  limit %(jobs_max)s::int
  for no key update of job skip locked
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
