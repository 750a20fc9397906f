-- Queue scheduled jobs that are due, a limited number at a time, in the order they fell due.
--
-- Index: jobs_scheduled (run_at) where status = 'scheduled'; jobs_pkey, by lists of one as in
--        settle.sql.
-- Locks: the due jobs, earliest first; locked ones are skipped, for the next batch.
with due as materialized (
  select job.id, job.run_at
  from pgqueue.jobs as job
  where job.status = 'scheduled'
    and job.run_at <= (select clock_timestamp())
    and job.id <> all(%(refused)s::bigint[])
  order by job.run_at
  limit %(jobs_max)s::int
  for no key update of job skip locked
),
ordered as materialized (
  select due.id, nextval('pgqueue.jobs_position') as position
  from due
  order by due.run_at, due.id
)
update pgqueue.jobs as job
set
  status = 'queued',
  position = ordered.position
from ordered
where job.id = any(array[ordered.id])
returning job.id;
