-- Only the attempts of an ended worker are returned to the queue by another process.
--
-- An attempt that was not started may be reclaimed earlier; inv12 checks that it did not start.
-- When: stopped.
select past.job_id, past.old_attempt as attempt, past.application, past.at, worker.id as worker_id,
  worker.stopped_at
from chaos.history as past
join pgqueue.workers as worker on worker.id = past.old_worker_id
where past.old_status = 'running'
  and past.application ~ '^pgqueue '
  and past.application !~ '^pgqueue (fetcher|finisher) '
  and (worker.stopped_at is null or worker.stopped_at > past.at)
  and not exists (
    select
    from pgqueue.attempts as attempt
    where attempt.job_id = past.job_id
      and attempt.attempt = past.old_attempt
      and attempt.error_type = 'NotStarted'
      and attempt.started_at is null
  );
