-- List the queues that have a ready job, with the executor it needs.
--
-- Index: jobs_ready, one probe for each (queue, executor) that is not empty.
-- Locks: none.
with recursive ready as (
  (
    select job.queue, job.executor
    from pgqueue.jobs as job
    where job.status = 'queued'
    order by job.queue, job.executor
    limit 1
  )
  union all
  select next.queue, next.executor
  from ready
  cross join lateral (
    select job.queue, job.executor
    from pgqueue.jobs as job
    where job.status = 'queued'
      and (job.queue, job.executor) > (ready.queue, ready.executor)
    order by job.queue, job.executor
    limit 1
  ) as next
)
select ready.queue, ready.executor
from ready;
