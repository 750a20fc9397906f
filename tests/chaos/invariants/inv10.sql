-- Each change of a job is legal, and was made by a session that may make it.
-- When: stopped.
select past.id, past.job_id, past.application, past.old_status, past.new_status,
  past.old_attempt, past.new_attempt, past.old_worker_id, past.new_worker_id
from chaos.history as past
where not coalesce(
  case
    -- An insert.
    when past.old_status is null
      then past.new_status in ('queued', 'scheduled') and past.new_attempt = 0
    -- A success with keep = 0.
    when past.new_status is null
      then past.old_status = 'running' and past.keep_seconds = 0
    when past.new_status = 'running' and past.old_status = 'queued'
      then past.new_attempt = past.old_attempt + 1
        and past.new_worker_id is not null
        and past.application like 'pgqueue fetcher %'
    when past.new_attempt <> past.old_attempt
      then false
    when past.old_status = 'running' and past.new_status = 'running'
      then past.new_worker_id = past.old_worker_id
    when past.old_status = 'running'
      then past.new_status in ('succeeded', 'failed', 'cancelled', 'queued', 'scheduled')
    when past.old_status in ('queued', 'scheduled')
      then past.new_status in ('queued', 'cancelled')
    -- A final job changes only when a person retries it.
    when past.old_status in ('succeeded', 'failed', 'cancelled')
      then past.new_status = 'queued'
        and past.job_id in (select retried.job_id from chaos.retried as retried)
  end,
  false
);
