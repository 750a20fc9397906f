-- Count what is queued or running in some queues, by task: a burst ends when nothing is.
--
-- Index: jobs_ready and jobs_running; asked only by a burst that found its queues idle.
-- Locks: none.
select job.status, job.task, count(*)
from pgqueue.jobs as job
where job.status in ('queued', 'running')
  and (
    job.queue = any(%(queues)s::text[])
    or exists (
      select
      from unnest(%(prefixes)s::text[]) as wanted (prefix)
      where starts_with(job.queue, wanted.prefix)
    )
  )
group by job.status, job.task;
