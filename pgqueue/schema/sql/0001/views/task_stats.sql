-- The attempts of each task among the last 10,000 attempts, those of the newest jobs.
--
-- The limit of one keeps the planner from reading all jobs for a join.
--
-- Index: attempts_pkey, from its end; jobs_pkey.
create view pgqueue.task_stats with (security_invoker = true) as
select
  job.task,
  count(*) as attempt_count,
  count(*) filter (where attempt.outcome = 'succeeded') as succeeded_count,
  count(*) filter (where attempt.outcome in ('failed', 'timed_out')) as failed_count,
  count(*) filter (where attempt.outcome = 'lost') as lost_count,
  percentile_cont(0.5) within group (
    order by extract(epoch from attempt.finished_at - attempt.started_at)
  ) as run_seconds_p50,
  percentile_cont(0.95) within group (
    order by extract(epoch from attempt.finished_at - attempt.started_at)
  ) as run_seconds_p95,
  max(extract(epoch from attempt.finished_at - attempt.started_at))::double precision
    as run_seconds_max
from (
  select last.job_id, last.outcome, last.started_at, last.finished_at
  from pgqueue.attempts as last
  order by last.job_id desc, last.attempt desc
  limit 10000
) as attempt
cross join lateral (
  select found.task
  from pgqueue.jobs as found
  where found.id = attempt.job_id
  limit 1
) as job
group by job.task;
