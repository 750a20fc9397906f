-- Insert many jobs; columns left out take their defaults, the position among them.
--
-- Index: none is read; jobs_pkey and jobs_ready (or jobs_scheduled) are written.
-- Locks: the new rows only. They exist if and only if the caller's transaction commits.
-- Twin:  enqueue.sql inserts one job. resolve_due_times.sql computes run_at, status and expires_at;
--        notify.sql notifies supervisors.
copy pgqueue.jobs (
  queue, task, args, status, priority, run_at, executor, delivery, max_attempts,
  backoff, backoff_base_seconds, backoff_max_seconds, backoff_jitter,
  timeout_seconds, keep_seconds, expires_at, tags
)
from stdin;
