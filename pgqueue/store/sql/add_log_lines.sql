-- Add log lines of attempts that are still held; lines of a lost attempt are dropped.
--
-- A line whose number its attempt has already is left alone: after a lost reply all are asked
-- for once more. A job that is deleted when it succeeds takes its lines along, and what came after
-- them would stay for ever: so its row is locked against that, and its lines are dropped where it is
-- about to go.
--
-- Index: jobs_pkey finds the attempts, by lists as in settle.sql; logs_pkey and logs_number_key are
--        written.
-- Locks: none on jobs but those that are deleted on success, against their deletion alone; locked
--        ones are skipped.
-- Fence: (id, attempt, worker_id) on a running row.
with line as materialized (
  select told.*
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
  ) with ordinality as told (
    id, attempt, worker_id, age_seconds, level, logger, message, number, place
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
order by line.place
on conflict (job_id, attempt, number) do nothing;
