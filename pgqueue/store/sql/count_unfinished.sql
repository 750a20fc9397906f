-- Count the queued and running jobs of some queues, by task: a burst ends when there are none.
--
-- Index: jobs_ready and jobs_running; read only by a burst that found its queues idle.
-- Locks: none.
select
  job.status,
  job.task,
  count(*) as job_count
from (
  select queued.status, queued.task, queued.queue
  from pgqueue.jobs as queued
  where queued.status = 'queued'
  union all
  select running.status, running.task, running.queue
  from pgqueue.jobs as running
  where running.status = 'running'
) as job
where job.queue = any(%(queues)s::text[])
  or exists (
    select
    from unnest(%(prefixes)s::text[]) as wanted (prefix)
    where starts_with(job.queue, wanted.prefix)
  )
group by job.status, job.task;
