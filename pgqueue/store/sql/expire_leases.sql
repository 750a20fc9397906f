-- End the workers whose lease has expired, of any supervisor.
--
-- Index: workers_live (supervisor_id) where stopped_at is null, all of it: live workers only.
-- Locks: the workers, for update; rows locked by their own supervisor or by a claim are skipped,
--        for the next turn.
with expired as materialized (
  select worker.id
  from pgqueue.workers as worker
  where worker.stopped_at is null
    and worker.lease_until < clock_timestamp()
  for update of worker skip locked
)
update pgqueue.workers as worker
set
  stopped_at = clock_timestamp(),
  stop_reason = 'lease_expired',
  stop_detail = 'its supervisor last renewed its lease at ' || worker.last_seen_at
from expired
where worker.id = expired.id
returning worker.id;
