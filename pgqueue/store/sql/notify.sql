-- Wake the supervisors that wait for one of these queues, when the caller's transaction commits.
--
-- Index: none; `listening_queues` is a row for each supervisor.
-- Locks: none before the commit.
-- Twin:  enqueue.sql, and the functions enqueue_named and retry, ask `listening_queues` in the same words.
select pg_notify('pgqueue.jobs', '')
where exists (
  select
  from pgqueue.listening_queues
  cross join pg_catalog.unnest(%(queues)s::text[]) as filled (queue)
  where filled.queue = any(listening_queues.queues)
    or filled.queue ^@ any(listening_queues.prefixes)
);
