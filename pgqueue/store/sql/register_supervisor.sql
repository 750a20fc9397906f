-- Add a supervisor that starts, and return its id.
--
-- After a fail-over or a restore the sequence may be behind the rows that announce_supervisor.sql
-- added again. Then no row is added, and the next call takes the next id.
--
-- Index: supervisors_pkey and supervisors_notify_until are written.
-- Locks: the new row only.
insert into pgqueue.supervisors as supervisor (host, pid, version, queues, prefixes, slots)
values (
  %(host)s::text,
  %(pid)s::integer,
  %(version)s::text,
  %(queues)s::text[],
  %(prefixes)s::text[],
  %(slots)s::integer
)
on conflict (id) do nothing
returning supervisor.id;
