-- Wake the supervisors that wait for one of these queues, when the caller's transaction commits.
--
-- Index: none; `listening_queues` has a row for each supervisor.
-- Locks: none before the commit.
-- Twin:  enqueue.sql, and the functions enqueue_named and retry, read `listening_queues` by an equal
--        condition.
select pgqueue.notify(''::text)
where exists (
  select
  from pgqueue.listening_queues
  cross join pg_catalog.unnest(%(queues)s::text[]) as ready (queue)
  where ready.queue = any(listening_queues.queues)
    or ready.queue ^@ any(listening_queues.prefixes)
);
