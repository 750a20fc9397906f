-- Insert one job with the options that a worker recorded for its task, some of them replaced.
--
-- Answer: the columns of read_job.sql.
-- Index: tasks_pkey is read; the tables written are those of enqueue.sql.
-- Locks: the new row only.
-- Twin:  the function pgqueue.enqueue_named has the rule, for any language.
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
from pgqueue.enqueue_named(
  %(task)s::text,
  %(args)s::jsonb,
  coalesce(
    %(run_at)s::timestamptz,
    clock_timestamp() + make_interval(secs => %(run_after_seconds)s::float8)
  ),
  %(options)s::jsonb
) as job;
