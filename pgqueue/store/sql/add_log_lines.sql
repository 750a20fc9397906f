-- Add log lines of active attempts; lines of an attempt that has lost its lease are dropped.
--
-- A line whose number its attempt has already is skipped: after a lost reply the worker sends all
-- lines again. A job that is deleted when it succeeds is deleted with its lines; lines added later
-- would stay for ever. So its row is locked against the deletion, and its lines are dropped while
-- another session deletes it.
--
-- Index: jobs_pkey finds the attempts, by lists as in settle.sql; logs_pkey and logs_number_key are
--        written.
-- Locks: none on jobs but those that are deleted on success, against their deletion alone; locked
--        ones are skipped.
-- Fence: (id, attempt, worker_id) on a running row.
with line as materialized (
  select entry.*
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
  ) with ordinality as entry (
    id, attempt, worker_id, age_seconds, level, logger, message, number, ordinal
  )
),
safe as materialized (
  select job.id
  from pgqueue.jobs as job
  where job.id = any(array(select line.id from line))
    and job.keep_seconds = 0::float8
  for key share of job skip locked
)
insert into pgqueue.logs (job_id, attempt, number, logged_at, level, logger, message)
select
  line.id,
  line.attempt,
  line.number,
  clock_timestamp() - make_interval(secs => line.age_seconds),
  line.level,
  line.logger,
  line.message
from line
join pgqueue.jobs as job
  on job.id = any(array[line.id])
  and job.attempt = line.attempt
  and job.worker_id = line.worker_id
  and job.status is not distinct from 'running'
where job.keep_seconds <> 0::float8
  or job.id in (select safe.id from safe)
order by line.ordinal
on conflict (job_id, attempt, number) do nothing;
