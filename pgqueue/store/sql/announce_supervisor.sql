-- Tell which queues a supervisor watches, and whether producers are to notify it; for a while.
--
-- Index: watches_pkey.
-- Locks: its row, and those of supervisors that are gone.
-- Answer: how many supervisors may watch the same, this one among them.
with gone as (
  delete from pgqueue.watches as watch
  where watch.until < clock_timestamp() - make_interval(mins => 10)
),
told as (
  insert into pgqueue.watches as watch (supervisor_id, queues, prefixes, wants_notify, until)
  values (
    %(supervisor_id)s::bigint,
    %(queues)s::text[],
    %(prefixes)s::text[],
    %(wants_notify)s::boolean,
    clock_timestamp() + make_interval(secs => %(seconds)s::float8)
  )
  on conflict (supervisor_id) do update
  set
    queues = excluded.queues,
    prefixes = excluded.prefixes,
    wants_notify = excluded.wants_notify,
    until = excluded.until
)
select 1 + count(*)::integer
from pgqueue.watches as watch
where watch.until > clock_timestamp()
  and watch.supervisor_id <> %(supervisor_id)s::bigint
  and (
    watch.queues && %(queues)s::text[]
    or (watch.prefixes || %(prefixes)s::text[]) <> '{}'::text[]
  );
