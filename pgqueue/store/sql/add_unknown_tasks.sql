-- Note tasks that a worker met and does not know; the view unknown_tasks tells what none knows.
--
-- Index: workers_pkey.
-- Locks: that row. What is noted twice stands there once, and never more than 1,000 names.
update pgqueue.workers as worker
set unknown_tasks = array(
  select unnest(worker.unknown_tasks)
  union
  select unnest(%(tasks)s::text[])
  order by 1
  limit 1000
)
where worker.id = %(worker_id)s::bigint;
