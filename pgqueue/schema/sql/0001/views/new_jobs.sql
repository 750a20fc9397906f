-- Accept new jobs and show none. INSERT ... RETURNING needs the right to read the returned columns;
-- on the table that would be the right to read all jobs.
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
