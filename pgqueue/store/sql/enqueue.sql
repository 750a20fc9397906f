-- Insert one job, and wake one of the supervisors that wait for its queue.
--
-- Through the view new_jobs, so that a producer gets its own row back and can read no other.
--
-- Index: none is read; jobs_pkey and jobs_ready (or jobs_scheduled) are written. `listening_queues`
--        has a row for each supervisor.
-- Locks: the new row only. The job exists if and only if the caller's transaction commits.
insert into pgqueue.new_jobs as job (
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
from (
  select coalesce(
    %(run_at)s::timestamptz,
    clock_timestamp() + make_interval(secs => %(run_after_seconds)s::float8),
    clock_timestamp()
  ) as run_at
) as due
returning
  job.id,
  job.status,
  job.position,
  job.run_at,
  job.expires_at,
  job.created_at,
  case
    when job.status = 'queued'
      then (
        select pgqueue.notify(listening.supervisor_id, ''::text)
        from (
          select listening_queues.supervisor_id
          from pgqueue.listening_queues
          where job.queue = any(listening_queues.queues)
            or job.queue ^@ any(listening_queues.prefixes)
          order by listening_queues.is_full, random()
          limit 1
        ) as listening
      )
  end as notified;
