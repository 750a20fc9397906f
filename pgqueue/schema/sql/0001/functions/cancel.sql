-- Cancel a job that waits at once; request the end of a job that runs.
--
-- An attempt gets one open request. It notifies the supervisor of the worker, which reads its
-- requests at once. An id that is in use is an error: no request is dropped where the sequence was
-- reset or restored behind its table.
--
-- `cancel_requested_at` makes the cancellation win over every outcome but success.
--
-- Answer: the job's new status; null for a job that is final, is gone, or has another status or
--         attempt than the caller wants.
create function pgqueue.cancel(
  id bigint,
  if_status text[] default null,
  if_attempt integer default null
) returns text
language sql
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with cancelled as (
    update pgqueue.jobs as job
    set
      status = case when job.status = 'running' then 'running' else 'cancelled' end,
      cancel_requested_at = coalesce(job.cancel_requested_at, clock_timestamp()),
      finished_at = case when job.status = 'running' then null else clock_timestamp() end,
      kept_until = case
        when job.status = 'running' then null
        else clock_timestamp() + make_interval(secs => greatest(job.keep_seconds, 86400))
      end
    where job.id = cancel.id
      and job.status in ('scheduled', 'queued', 'blocked', 'running')
      and (job.status = any(cancel.if_status)) is not false
      and (job.attempt = cancel.if_attempt) is not false
    returning job.id, job.status, job.attempt, job.worker_id
  ),
  requested as (
    insert into pgqueue.requests as request (kind, worker_id, job_id, attempt)
    select 'cancel', worker.id, cancelled.id, cancelled.attempt
    from cancelled
    join pgqueue.workers as worker on worker.id = cancelled.worker_id
    where cancelled.status = 'running'
    on conflict (worker_id, job_id, attempt, kind) where answered_at is null do nothing
    returning request.worker_id
  ),
  notified as (
    select pgqueue.notify(worker.supervisor_id, 'requests')
    from requested
    join pgqueue.workers as worker on worker.id = requested.worker_id
  )
  select cancelled.status
  from cancelled
  left join notified on true;
end;
