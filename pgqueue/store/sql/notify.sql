-- Wake supervisors that wait for these queues, when the caller's transaction commits: for each queue as
-- many as have slots for its jobs, those first that are not full.
--
-- Index: none; `listening_queues` has a row for each supervisor.
-- Locks: none before the commit.
-- Twin:  enqueue.sql, and the functions enqueue_named and retry, pick one of `listening_queues` by an
--        equal condition.
-- Answer: one row for each supervisor that is woken.
select pgqueue.notify(picked.supervisor_id, %(payload)s::text)
from (
  select
    listening.supervisor_id,
    ready.jobs,
    sum(greatest(listening.slots, 1)) over (
      partition by ready.queue
      order by listening.is_full, listening.draw
      rows between unbounded preceding and 1 preceding
    ) as slots_before
  from (
    select listening_queues.*, random() as draw
    from pgqueue.listening_queues
    where listening_queues.supervisor_id is distinct from %(sender_id)s::bigint
  ) as listening
  join rows from (
    pg_catalog.unnest(%(queues)s::text[]),
    pg_catalog.unnest(%(jobs)s::bigint[])
  ) as ready (queue, jobs)
    on ready.queue = any(listening.queues)
    or ready.queue ^@ any(listening.prefixes)
) as picked
where coalesce(picked.slots_before, 0) < picked.jobs
group by picked.supervisor_id;
