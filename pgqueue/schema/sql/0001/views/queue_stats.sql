create view pgqueue.queue_stats with (security_invoker = true) as
select
  job.queue,
  count(*) filter (where job.status = 'queued') as queued_count,
  count(*) filter (where job.status = 'scheduled') as scheduled_count,
  count(*) filter (where job.status = 'running') as running_count,
  count(*) filter (where job.status = 'blocked') as blocked_count,
  extract(
    epoch from clock_timestamp() - min(job.run_at) filter (where job.status = 'queued')
  )::double precision as oldest_queued_seconds
from pgqueue.jobs as job
where job.status in ('scheduled', 'queued', 'running', 'blocked')
group by job.queue;
