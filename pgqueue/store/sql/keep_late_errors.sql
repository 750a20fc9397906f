-- Keep the errors that tasks raised after they had completed their jobs.
--
-- Index: attempts_pkey.
-- Locks: the attempts. Nothing else changes a recorded attempt.
-- Fence: (job_id, attempt, worker_id) on an attempt that succeeded.
update pgqueue.attempts as recorded
set
  error_type = late.error_type,
  error_message = late.error_message,
  traceback = late.traceback
from json_to_recordset(%(errors)s::json) as late (
  id bigint,
  attempt integer,
  worker_id bigint,
  error_type text,
  error_message text,
  traceback text
)
where recorded.job_id = late.id
  and recorded.attempt = late.attempt
  and recorded.worker_id = late.worker_id
  and recorded.outcome = 'succeeded';
