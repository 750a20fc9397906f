-- Delete finished jobs whose time is over, with their attempts and logs, a limited number at
-- a time.
--
-- Index: jobs_kept_until; attempts_pkey and logs_pkey begin with the job.
-- Locks: the jobs, earliest first; locked ones are skipped, for the next round.
with over as materialized (
  select job.id
  from pgqueue.jobs as job
  where job.kept_until <= (select clock_timestamp())
    and job.id <> all(%(refused)s::bigint[])
  order by job.kept_until
  limit %(jobs_max)s::int
  for update of job skip locked
),
pruned_attempts as (
  delete from pgqueue.attempts as attempt
  using over
  where attempt.job_id = over.id
),
pruned_logs as (
  delete from pgqueue.logs as line
  using over
  where line.job_id = over.id
)
delete from pgqueue.jobs as job
using over
where job.id = over.id
returning job.id;
