create view pgqueue.unknown_tasks with (security_invoker = true) as
with reported as (
  select distinct unknown.task
  from pgqueue.workers as worker
  cross join unnest(worker.unknown_tasks) as unknown (task)
  where worker.stopped_at is null
),
waiting as (
  select job.task, job.queue, count(*) as job_count, min(job.created_at) as first_created_at
  from reported
  join pgqueue.jobs as job on job.task = reported.task
  where job.status = 'queued'
  group by job.task, job.queue
)
select
  waiting.task,
  waiting.queue,
  waiting.job_count,
  listening.worker_count,
  greatest(waiting.first_created_at, listening.last_known_at) as unknown_since
from waiting
cross join lateral (
  select
    count(*) filter (where worker.stopped_at is null) as worker_count,
    bool_and(waiting.task = any(worker.unknown_tasks))
      filter (where worker.stopped_at is null) as is_unknown,
    max(worker.stopped_at) filter (where waiting.task <> all(worker.unknown_tasks))
      as last_known_at
  from pgqueue.workers as worker
  where exists (
    select
    from unnest(worker.queues) as pattern (queue)
    where waiting.queue = pattern.queue
      or (right(pattern.queue, 1) = '/' and starts_with(waiting.queue, pattern.queue))
  )
) as listening
where listening.is_unknown;
