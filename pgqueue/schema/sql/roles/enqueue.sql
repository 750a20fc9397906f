-- Insert jobs: one by one through the view, which shows only the new row; many by COPY, which works
-- on tables alone; by name through the functions.
--
-- Only the columns of a request are granted: an id, an attempt or a worker cannot be forged, and the
-- trigger jobs_begin refuses a status that only workers write.
grant select on pgqueue.new_jobs, pgqueue.listening_queues to pgqueue_producer, pgqueue_worker;

grant insert (
  queue, task, args, status, priority, run_at, executor, delivery, max_attempts,
  backoff, backoff_base_seconds, backoff_max_seconds, backoff_jitter,
  timeout_seconds, keep_seconds, expires_at, tags
)
on pgqueue.new_jobs, pgqueue.jobs to pgqueue_producer, pgqueue_worker;

grant usage on sequence pgqueue.jobs_position to pgqueue_producer, pgqueue_worker;

grant execute on function
  pgqueue.enqueue(
    text, jsonb, text, integer, timestamptz, double precision, integer, text[], jsonb
  ),
  pgqueue.enqueue_named(text, jsonb, timestamptz, jsonb),
  pgqueue.checked_options(jsonb),
  pgqueue.notify(bigint, text)
to pgqueue_producer, pgqueue_worker;
