-- Wake the supervisors that wait for one of these queues, when the caller's transaction commits.
--
-- Index: none; `awaited` is a row for each supervisor.
-- Locks: none before the commit.
-- Twin:  enqueue.sql, and the functions enqueue_named and retry, ask `awaited` in the same words.
select pg_notify('pgqueue.jobs', '')
where exists (
  select
  from pgqueue.awaited
  cross join pg_catalog.unnest(%(queues)s::text[]) as filled (queue)
  where filled.queue = any(awaited.queues)
    or filled.queue ^@ any(awaited.prefixes)
);
