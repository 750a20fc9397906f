-- Record that workers have ended, and why. Never undone: a worker's id is never reused.
--
-- Index: workers_pkey.
-- Locks: the workers, in id order, for update: waits for a claim under way (claim.sql locks
--        the row for key share), so that every job it took is seen by the rescue after this.
with ending as materialized (
  select worker.id
  from pgqueue.workers as worker
  where worker.id = any(%(worker_ids)s::bigint[])
    and worker.stopped_at is null
  order by worker.id
  for update of worker
)
update pgqueue.workers as worker
set
  stopped_at = clock_timestamp(),
  stop_reason = %(reason)s::text,
  stop_detail = %(detail)s::text,
  overdue_job_id = %(overdue_job_id)s::bigint,
  started_job_ids = %(started_job_ids)s::bigint[]
from ending
where worker.id = ending.id
returning worker.id;
