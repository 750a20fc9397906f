-- Record the process id of a worker that was started.
--
-- Index: workers_pkey.
-- Locks: the worker's row.
update pgqueue.workers as worker
set pid = %(pid)s::integer
where worker.id = %(worker_id)s::bigint;
