-- List the queues that have a ready job, with the kind of worker it needs.
--
-- Index: jobs_ready, one probe for each (queue, executor, quarantined) that is not empty.
-- Locks: none.
with recursive ready as (
  (
    select job.queue, job.executor, job.quarantined
    from pgqueue.jobs as job
    where job.status = 'queued'
    order by job.queue, job.executor, job.quarantined
    limit 1
  )
  union all
  select next.queue, next.executor, next.quarantined
  from ready
  cross join lateral (
    select job.queue, job.executor, job.quarantined
    from pgqueue.jobs as job
    where job.status = 'queued'
      and (job.queue, job.executor, job.quarantined)
        > (ready.queue, ready.executor, ready.quarantined)
    order by job.queue, job.executor, job.quarantined
    limit 1
  ) as next
)
select ready.queue, ready.executor, ready.quarantined
from ready;
