create function pgqueue.retry(
  id bigint,
  if_status text[] default null,
  if_attempt integer default null
) returns text
language sql
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with revived as (
    update pgqueue.jobs as job
    set
      status = 'queued',
      position = nextval('pgqueue.jobs_position'),
      run_at = clock_timestamp(),
      failure_count = 0,
      lost_count = 0,
      worker_id = null,
      deadline_at = null,
      expires_at = null,
      kept_until = null,
      cancel_requested_at = null,
      finished_at = null,
      result = null,
      progress = null,
      progress_message = null
    where job.id = retry.id
      and job.status in ('scheduled', 'succeeded', 'failed', 'cancelled')
      and (job.status = any(retry.if_status)) is not false
      and (job.attempt = retry.if_attempt) is not false
    returning job.status, job.queue
  ),
  notified as (
    select pgqueue.notify(listening.supervisor_id, '')
    from revived
    cross join lateral (
      select listening_queues.supervisor_id
      from pgqueue.listening_queues
      where revived.queue = any(listening_queues.queues)
        or revived.queue ^@ any(listening_queues.prefixes)
      order by listening_queues.is_full, random()
      limit 1
    ) as listening
  )
  select revived.status
  from revived
  left join notified on true;
end;
