-- Add a worker about to be started, with its lease, and return its id.
--
-- Index: workers_pkey and workers_live are written.
-- Locks: the new row only.
insert into pgqueue.workers (
  supervisor_id, executor, slots, quarantine, host, queues, lease_until
)
values (
  %(supervisor_id)s::bigint,
  %(executor)s::text,
  %(slots)s::integer,
  %(quarantine)s::boolean,
  %(host)s::text,
  %(queues)s::text[],
  clock_timestamp() + make_interval(secs => %(lease_seconds)s::float8)
)
returning id;
