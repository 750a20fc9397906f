-- Add a worker about to be started, with its lease, and return its id.
--
-- A registration whose answer was lost is sent again, and finds its own row. No answer: another
-- supervisor has a worker of this id.
--
-- Index: workers_pkey and workers_live are written.
-- Locks: the new row, or the one that the registration added before.
insert into pgqueue.workers as worker (
  id, supervisor_id, executor, slots, quarantine, host, queues, lease_until
)
values (
  %(worker_id)s::bigint,
  %(supervisor_id)s::bigint,
  %(executor)s::text,
  %(slots)s::integer,
  %(quarantine)s::boolean,
  %(host)s::text,
  %(queues)s::text[],
  clock_timestamp() + make_interval(secs => %(lease_seconds)s::float8)
)
on conflict (id) do update
set lease_until = excluded.lease_until
where worker.supervisor_id = excluded.supervisor_id
  and worker.pid is null
  and worker.stopped_at is null
returning worker.id;
