-- Add a supervisor that starts, and return its id. No answer: the id is in use, so draw another one.
--
-- Index: supervisors_pkey and supervisors_lease_until are written.
-- Locks: the new row only.
insert into pgqueue.supervisors as supervisor (
  id, host, pid, version, queues, prefixes, slots, lease_until
)
values (
  %(supervisor_id)s::bigint,
  %(host)s::text,
  %(pid)s::integer,
  %(version)s::text,
  %(queues)s::text[],
  %(prefixes)s::text[],
  %(slots)s::integer,
  clock_timestamp() + make_interval(secs => %(listed_seconds)s::float8)
)
on conflict (id) do nothing
returning supervisor.id;
