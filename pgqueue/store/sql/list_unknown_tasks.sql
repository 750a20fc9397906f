-- List the tasks that have queued jobs and that no live worker of their queue knows.
--
-- Index: none; it scans the queued jobs, and only people read it.
-- Locks: none.
select
  unknown.task,
  unknown.queue,
  unknown.job_count,
  unknown.worker_count,
  unknown.unknown_since
from pgqueue.unknown_tasks as unknown
order by unknown.task, unknown.queue;
