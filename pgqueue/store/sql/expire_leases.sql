-- Write down that workers whose lease ended are given up, whoever started them.
--
-- Index: workers_live (supervisor_id) where stopped_at is null, all of it: live workers only.
-- Locks: the workers, for update; rows locked by their own supervisor or by a claim are skipped,
--        for the next round.
with silent as materialized (
  select worker.id
  from pgqueue.workers as worker
  where worker.stopped_at is null
    and worker.lease_until < clock_timestamp()
  for update of worker skip locked
)
update pgqueue.workers as worker
set
  stopped_at = clock_timestamp(),
  stop_reason = 'silent',
  stop_detail = 'its supervisor was last heard of at ' || worker.last_seen_at
from silent
where worker.id = silent.id
returning worker.id;
