-- Record tasks that a worker does not know; the view unknown_tasks lists tasks that none knows.
--
-- Index: workers_pkey.
-- Locks: the worker's row. A name is recorded once, and at most 1,000 names are.
update pgqueue.workers as worker
set unknown_tasks = array(
  select unnest(worker.unknown_tasks)
  union
  select unnest(%(tasks)s::text[])
  order by 1
  limit 1000
)
where worker.id = %(worker_id)s::bigint;
