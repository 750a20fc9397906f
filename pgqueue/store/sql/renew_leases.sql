-- Renew the leases of a supervisor's live workers, and tell which still are.
--
-- Index: workers_live (supervisor_id) where stopped_at is null.
-- Locks: those rows, in id order. A worker that is missing from the answer was given up by
--        another supervisor: its jobs are others' now, and it must be ended.
with mine as materialized (
  select worker.id
  from pgqueue.workers as worker
  where worker.supervisor_id = %(supervisor_id)s::bigint
    and worker.stopped_at is null
  order by worker.id
  for no key update of worker
)
update pgqueue.workers as worker
set
  last_seen_at = clock_timestamp(),
  lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s::float8)
from mine
where worker.id = mine.id
returning worker.id;
