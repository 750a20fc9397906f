-- Attempts are limited: counted failures by max_attempts, losses in a row by three.
-- When: stopped.
with counted as (
  select
    attempt.job_id,
    attempt.outcome,
    -- The number of earlier attempts that end a row of losses; an interruption does not.
    count(*) filter (where attempt.outcome not in ('lost', 'interrupted')) over (
      partition by attempt.job_id order by attempt.attempt
    ) as row_number
  from pgqueue.attempts as attempt
),
lost as (
  select counted.job_id, count(*) as losses
  from counted
  where counted.outcome = 'lost'
  group by counted.job_id, counted.row_number
),
worst as (
  select lost.job_id, max(lost.losses) as losses
  from lost
  group by lost.job_id
),
failures as (
  select attempt.job_id, count(*) as failed
  from pgqueue.attempts as attempt
  where attempt.outcome in ('failed', 'timed_out')
  group by attempt.job_id
)
select job.id, job.task, job.max_attempts, failures.failed, worst.losses
from pgqueue.jobs as job
left join failures on failures.job_id = job.id
left join worst on worst.job_id = job.id
where job.failure_count > job.max_attempts
  or job.lost_count > 3
  or (
    (failures.failed > job.max_attempts or worst.losses > 3)
    and job.id not in (select retried.job_id from chaos.retried as retried)
  );
