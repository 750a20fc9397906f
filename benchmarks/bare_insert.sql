insert into pgqueue.jobs (
  queue, task, args, status, priority, run_at, executor, delivery, max_attempts,
  backoff, backoff_base_seconds, backoff_max_seconds, backoff_jitter,
  timeout_seconds, keep_seconds, expires_at, tags
)
values (
  %(queue)s::text,
  %(task)s::text,
  %(args)s::jsonb,
  'queued',
  %(priority)s::smallint,
  coalesce(
    %(run_at)s::timestamptz,
    clock_timestamp() + make_interval(secs => %(run_after_seconds)s::float8),
    clock_timestamp()
  ),
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
)
returning id
