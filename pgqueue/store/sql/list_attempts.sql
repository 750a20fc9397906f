-- List the settled attempts of one job, first to last.
--
-- Index: attempts_pkey (job_id, attempt).
-- Locks: none.
select
  attempt.job_id,
  attempt.attempt,
  attempt.worker_id,
  attempt.started_at,
  attempt.finished_at,
  attempt.outcome,
  attempt.error_type,
  attempt.error_message,
  attempt.traceback
from pgqueue.attempts as attempt
where attempt.job_id = %(job_id)s::bigint
order by attempt.attempt;
