-- Delete finished jobs whose time is over, with their attempts and logs, a limited number at
-- a time.
--
-- Index: jobs_kept_until; jobs_pkey; attempts_pkey and logs_pkey begin with the job. By lists of
--        keys: a join might read all of a table that was small when it was planned.
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
  where attempt.job_id = any(array(select over.id from over))
),
pruned_logs as (
  delete from pgqueue.logs as line
  where line.job_id = any(array(select over.id from over))
)
delete from pgqueue.jobs as job
where job.id = any(array(select over.id from over))
returning job.id;
