-- Read one job.
--
-- Index: jobs_pkey.
-- Locks: none.
select
  job.id,
  job.queue,
  job.task,
  job.args::text,
  job.status,
  job.priority,
  job.position,
  job.run_at,
  job.executor,
  job.delivery,
  job.attempt,
  job.failure_count,
  job.lost_count,
  job.max_attempts,
  job.timeout_seconds,
  job.deadline_at,
  job.expires_at,
  job.worker_id,
  job.created_at,
  job.started_at,
  job.finished_at,
  job.result::text,
  job.error,
  job.progress,
  job.progress_message,
  job.unique_key,
  job.concurrency_key,
  job.ordering_key,
  job.tags
from pgqueue.jobs as job
where job.id = %(job_id)s::bigint;
