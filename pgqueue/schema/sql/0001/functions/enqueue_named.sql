-- Insert a job for a caller that may read neither tasks nor jobs; returns the new row only.
create function pgqueue.enqueue_named(
  task text,
  args jsonb,
  run_after timestamptz,
  options jsonb
) returns pgqueue.jobs
language sql
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with known as (
    select coalesce(
      (
        select recorded.options
        from pgqueue.tasks as recorded
        where recorded.name = enqueue_named.task
          or enqueue_named.task = any(recorded.aliases)
        order by recorded.name = enqueue_named.task desc
        limit 1
      ),
      '{}'
    ) || case
      when coalesce(enqueue_named.options, '{}') = '{}' then '{}'
      else pgqueue.checked_options(enqueue_named.options)
    end as options
  ),
  inserted as (
    insert into pgqueue.jobs as job (
      queue, task, args, status, priority, run_at, executor, delivery, max_attempts,
      backoff, backoff_base_seconds, backoff_max_seconds, backoff_jitter,
      timeout_seconds, keep_seconds, expires_at, tags
    )
    select
      coalesce(known.options ->> 'queue', 'default'),
      enqueue_named.task,
      coalesce(enqueue_named.args, '{}'),
      case when enqueue_named.run_after > clock_timestamp() then 'scheduled' else 'queued' end,
      coalesce((known.options ->> 'priority')::integer, 0),
      coalesce(enqueue_named.run_after, clock_timestamp()),
      coalesce(known.options ->> 'executor', 'greenlet'),
      coalesce(known.options ->> 'delivery', 'at_least_once'),
      coalesce((known.options ->> 'max_attempts')::integer, 1),
      coalesce(known.options ->> 'backoff', 'exponential'),
      coalesce((known.options ->> 'backoff_base_seconds')::double precision, 2.0),
      coalesce((known.options ->> 'backoff_max_seconds')::double precision, 3600.0),
      coalesce((known.options ->> 'backoff_jitter')::boolean, true),
      case
        when known.options ? 'timeout_seconds'
        then (known.options ->> 'timeout_seconds')::double precision
        else 3600.0
      end,
      coalesce((known.options ->> 'keep_seconds')::double precision, 86400.0),
      clock_timestamp() + make_interval(
        secs => (known.options ->> 'expires_after_seconds')::double precision
      ),
      coalesce(array(select jsonb_array_elements_text(known.options -> 'tags')), '{}')
    from known
    returning job as row, job.id, job.status, job.queue
  ),
  notified as (
    select inserted.id, pgqueue.notify(listening.supervisor_id, '')
    from inserted
    cross join lateral (
      select listening_queues.supervisor_id
      from pgqueue.listening_queues
      where inserted.queue = any(listening_queues.queues)
        or inserted.queue ^@ any(listening_queues.prefixes)
      order by listening_queues.is_full, random()
      limit 1
    ) as listening
    where inserted.status = 'queued'
  )
  select inserted.row
  from inserted
  left join notified on notified.id = inserted.id;
end;
