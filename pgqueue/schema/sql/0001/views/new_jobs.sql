-- Takes new jobs and shows none. INSERT ... RETURNING needs the right to read what it returns,
-- and on the table that would be the right to read everybody's jobs.
create view pgqueue.new_jobs as
select
  job.id,
  job.queue,
  job.task,
  job.args,
  job.status,
  job.priority,
  job.position,
  job.run_at,
  job.executor,
  job.delivery,
  job.max_attempts,
  job.backoff,
  job.backoff_base_seconds,
  job.backoff_max_seconds,
  job.backoff_jitter,
  job.timeout_seconds,
  job.keep_seconds,
  job.expires_at,
  job.created_at,
  job.tags
from pgqueue.jobs as job
where false;
