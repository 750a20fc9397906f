-- Add log lines of attempts that are still held; lines of a lost attempt are dropped.
--
-- Index: jobs_pkey finds the attempts; logs_pkey is written.
-- Locks: none on jobs.
-- Fence: (id, attempt, worker_id) on a running row.
insert into pgqueue.logs (job_id, attempt, logged_at, level, logger, message)
select
  line.id,
  line.attempt,
  clock_timestamp() - make_interval(secs => line.age_seconds),
  line.level,
  line.logger,
  line.message
from rows from (
  json_to_recordset(%(lines)s::json) as (
    id bigint,
    attempt integer,
    worker_id bigint,
    age_seconds float8,
    level text,
    logger text,
    message text
  )
) with ordinality as line (
  id, attempt, worker_id, age_seconds, level, logger, message, place
)
join pgqueue.jobs as job
  on job.id = line.id
  and job.attempt = line.attempt
  and job.worker_id = line.worker_id
  and job.status = 'running'
order by line.place;
