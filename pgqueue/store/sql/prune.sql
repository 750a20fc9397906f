-- Delete finished jobs past kept_until, with their attempts and logs, a limited number at
-- a time.
--
-- A person may have queued a finished job by hand, without the function `retry`: its kept_until is
-- left over, and it waits or runs.
--
-- Index: jobs_kept_until, which has the finished jobs; jobs_pkey; attempts_pkey and logs_pkey begin
--        with the job. By lists of keys: a join might read all of a table that was small when it was
--        planned.
-- Answer: each job, and whether it is deleted: a trigger of the application may keep it silently.
-- Locks: the jobs, earliest first; locked ones are skipped, for the next batch.
with expired as materialized (
  select job.id
  from pgqueue.jobs as job
  where job.status in ('succeeded', 'failed', 'cancelled')
    and job.kept_until <= (select clock_timestamp())
    and job.kept_until >= coalesce(%(after)s::timestamptz, '-infinity')
    and job.id <> all(%(refused)s::bigint[])
  order by job.kept_until
  limit %(jobs_max)s::int
  for update of job skip locked
),
pruned_attempts as (
  delete from pgqueue.attempts as attempt
  where attempt.job_id = any(array(select expired.id from expired))
),
pruned_logs as (
  delete from pgqueue.logs as line
  where line.job_id = any(array(select expired.id from expired))
),
pruned as (
  delete from pgqueue.jobs as job
  where job.id = any(array(select expired.id from expired))
  returning job.id
)
select expired.id, expired.id in (select pruned.id from pruned) as is_changed
from expired;
