-- Add log lines of attempts that are still held; lines of a lost attempt are dropped.
--
-- A line whose number its attempt has already is left alone: after a lost reply all are asked
-- for once more.
--
-- Index: jobs_pkey finds the attempts, by a list of one as in settle.sql; logs_pkey and
--        logs_number_key are written.
-- Locks: none on jobs.
-- Fence: (id, attempt, worker_id) on a running row.
insert into pgqueue.logs (job_id, attempt, number, logged_at, level, logger, message)
select
  line.id,
  line.attempt,
  line.number,
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
    message text,
    number integer
  )
) with ordinality as line (
  id, attempt, worker_id, age_seconds, level, logger, message, number, place
)
join pgqueue.jobs as job
  on job.id = any(array[line.id])
  and job.attempt = line.attempt
  and job.worker_id = line.worker_id
  and job.status is not distinct from 'running'
order by line.place
on conflict (job_id, attempt, number) do nothing;
