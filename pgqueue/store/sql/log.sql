-- Add log lines of attempts that are still held; lines of a lost attempt are dropped.
--
-- Index: jobs_pkey finds the attempts; logs_pkey is written.
-- Locks: none on jobs.
-- Fence: (id, attempt, worker_id) on a running row.
-- In doubt whether lines were written already, for the reply was lost, those whose number the
-- attempt has reached are left out: its lines come in order.
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
    message text,
    number integer
  )
) with ordinality as line (
  id, attempt, worker_id, age_seconds, level, logger, message, number, place
)
join pgqueue.jobs as job
  on job.id = line.id
  and job.attempt = line.attempt
  and job.worker_id = line.worker_id
  and job.status = 'running'
where not %(is_doubtful)s::boolean
  or line.number > (
    select count(*)
    from pgqueue.logs as written
    where written.job_id = line.id
      and written.attempt = line.attempt
  )
order by line.place;
