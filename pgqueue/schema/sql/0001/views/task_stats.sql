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
from pgqueue.attempts as attempt
join pgqueue.jobs as job on job.id = attempt.job_id
group by job.task;
