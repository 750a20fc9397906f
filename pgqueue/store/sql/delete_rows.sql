-- Delete attempts and log lines that belong to jobs which are deleted or to be pruned, and those far
-- behind the last attempt of a job that runs again and again; the first of each job.
--
-- A job that is gone has no bound: `least` ignores a null.
--
-- Answer: one row for each deleted attempt or line.
-- Index: jobs_pkey; attempts_pkey; logs_number_key begins with the job and the attempt.
-- Locks: the rows to be deleted. A job is not locked: it has no use for these rows, whatever becomes
--        of it, but for a function `retry` of a finished job at this moment, which loses its history.
with job_rows as materialized (
  select
    wanted.id,
    case
      when job.status in ('succeeded', 'failed', 'cancelled') and job.kept_until <= clock_timestamp()
        then 2147483647
      else job.attempt - 1000
    end as deletable_max,
    least(
      (select min(attempt.attempt) from pgqueue.attempts as attempt where attempt.job_id = wanted.id),
      (select min(line.attempt) from pgqueue.logs as line where line.job_id = wanted.id)
    ) as first_attempt
  from unnest(%(job_ids)s::bigint[]) as wanted (id)
  left join pgqueue.jobs as job on job.id = any(array[wanted.id])
),
surplus as materialized (
  select
    job_rows.id,
    least(
      job_rows.deletable_max::bigint,
      job_rows.first_attempt::bigint + %(attempts_max)s::int - 1
    ) as until_attempt
  from job_rows
),
deleted_lines as (
  delete from pgqueue.logs as line
  using surplus
  where line.job_id = any(array[surplus.id])
    and line.attempt <= surplus.until_attempt
  returning 1
),
deleted_attempts as (
  delete from pgqueue.attempts as attempt
  using surplus
  where attempt.job_id = any(array[surplus.id])
    and attempt.attempt <= surplus.until_attempt
  returning 1
)
select 1
from deleted_lines
union all
select 1
from deleted_attempts;
