-- Add a supervisor that starts, and return its id.
--
-- Index: supervisors_pkey and supervisors_notify_until are written.
-- Locks: the new row only.
insert into pgqueue.supervisors (host, pid, version, queues, prefixes, slots)
values (
  %(host)s::text,
  %(pid)s::integer,
  %(version)s::text,
  %(queues)s::text[],
  %(prefixes)s::text[],
  %(slots)s::integer
)
returning id;
