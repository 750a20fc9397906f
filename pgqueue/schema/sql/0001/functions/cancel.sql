create function pgqueue.cancel(
  id bigint,
  if_status text[] default null,
  if_attempt integer default null
) returns text
language sql
security definer
set search_path = pg_catalog, pg_temp
begin atomic
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
  returning job.status;
end;
