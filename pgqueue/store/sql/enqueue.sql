-- Insert one job, and wake the supervisors that wait for its queue.
--
-- Through the view new_jobs, so that a producer gets its own row back and can read no other.
--
-- Index: none is read; jobs_pkey and jobs_ready (or jobs_scheduled) are written. `awaited` is a
--        row for each supervisor.
-- Locks: the new row only. The job exists if and only if the caller's transaction commits.
with due as (
  select coalesce(
    %(run_at)s::timestamptz,
    clock_timestamp() + make_interval(secs => %(run_after_seconds)s::float8),
    clock_timestamp()
  ) as run_at
),
inserted as (
  insert into pgqueue.new_jobs (
    queue, task, args, status, priority, run_at, executor, delivery, max_attempts,
    backoff, backoff_base_seconds, backoff_max_seconds, backoff_jitter,
    timeout_seconds, keep_seconds, expires_at, tags
  )
  select
    %(queue)s::text,
    %(task)s::text,
    %(args)s::jsonb,
    case when due.run_at > clock_timestamp() then 'scheduled' else 'queued' end,
    %(priority)s::smallint,
    due.run_at,
    %(executor)s::text,
    %(delivery)s::text,
    %(max_attempts)s::integer,
    %(backoff)s::text,
    %(backoff_base_seconds)s::float8,
    %(backoff_max_seconds)s::float8,
    %(backoff_jitter)s::boolean,
    %(timeout_seconds)s::float8,
    %(keep_seconds)s::float8,
    clock_timestamp() + make_interval(secs => %(expires_after_seconds)s::float8),
    %(tags)s::text[]
  from due
  returning id, queue, status, position, run_at, expires_at, created_at
)
select
  inserted.id,
  inserted.status,
  inserted.position,
  inserted.run_at,
  inserted.expires_at,
  inserted.created_at,
  case
    when inserted.status = 'queued' and exists (
      select
      from pgqueue.awaited
      where inserted.queue = any(awaited.queues)
        or inserted.queue ^@ any(awaited.prefixes)
    )
      then pg_notify('pgqueue.jobs', '')
  end
from inserted;
