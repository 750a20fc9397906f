-- Waiting and running jobs of each queue. No read grows with the backlog or with the history: up to
-- 10,000 queued jobs of each queue are counted, and 10,000 scheduled and 10,000 running jobs in all.
--
-- The orders keep the planner from reading the whole table for the first rows of a limit.
--
-- Index: jobs_ready, one entry for each (queue, executor, quarantined, priority), and the counted
--        ones; jobs_scheduled; jobs_running; workers_pkey.
create view pgqueue.queue_stats with (security_invoker = true) as
with recursive head (queue, executor, quarantined, urgency, run_at) as (
  (
    select job.queue::text, job.executor::text, job.quarantined, - job.priority, job.run_at
    from pgqueue.jobs as job
    where job.status = 'queued'
    order by job.queue, job.executor, job.quarantined, (- job.priority), job.position
    limit 1
  )
  union all
  select next.queue, next.executor, next.quarantined, next.urgency, next.run_at
  from head
  cross join lateral (
    select
      job.queue::text as queue,
      job.executor::text as executor,
      job.quarantined,
      - job.priority as urgency,
      job.run_at
    from pgqueue.jobs as job
    where job.status = 'queued'
      and (job.queue, job.executor, job.quarantined, (- job.priority))
        > (head.queue, head.executor, head.quarantined, head.urgency)
    order by job.queue, job.executor, job.quarantined, (- job.priority), job.position
    limit 1
  ) as next
),
ready as (
  select head.queue, min(head.run_at) as since
  from head
  group by head.queue
),
queued as (
  select ready.queue, ready.since, counted.job_count
  from ready
  cross join lateral (
    select count(*) as job_count
    from (
      select
      from pgqueue.jobs as job
      where job.status = 'queued'
        and job.queue = ready.queue
      order by job.executor, job.quarantined
      limit 10000
    ) as job
  ) as counted
),
scheduled as (
  select
    job.queue,
    count(*) as job_count,
    count(*) filter (where job.run_at <= clock_timestamp()) as due_count,
    min(job.run_at) filter (where job.run_at <= clock_timestamp()) as since
  from (
    select job.queue::text as queue, job.run_at
    from pgqueue.jobs as job
    where job.status = 'scheduled'
    order by job.run_at
    limit 10000
  ) as job
  group by job.queue
),
running as (
  select
    job.queue,
    count(*) as job_count,
    count(*) filter (
      where worker.id is null
        or worker.stopped_at is not null
        or worker.lease_until <= clock_timestamp()
    ) as orphaned_count
  from (
    select job.queue::text as queue, job.worker_id
    from pgqueue.jobs as job
    where job.status = 'running'
    order by job.deadline_at
    limit 10000
  ) as job
  left join pgqueue.workers as worker on worker.id = job.worker_id
  group by job.queue
)
select
  queue,
  coalesce(queued.job_count, 0) as queued_count,
  coalesce(scheduled.job_count, 0) as scheduled_count,
  coalesce(scheduled.due_count, 0) as due_count,
  coalesce(running.job_count, 0) as running_count,
  coalesce(running.orphaned_count, 0) as orphaned_count,
  extract(
    epoch from clock_timestamp() - least(queued.since, scheduled.since)
  )::double precision as oldest_queued_seconds
from queued
full join scheduled using (queue)
full join running using (queue);
