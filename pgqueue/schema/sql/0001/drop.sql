drop view pgqueue.unknown_tasks, pgqueue.failure_groups, pgqueue.running_jobs,
  pgqueue.task_stats, pgqueue.queue_stats, pgqueue.new_jobs;
drop trigger jobs_begin on pgqueue.jobs;
drop function pgqueue.refuse_status();
drop function pgqueue.retry(bigint, text[], integer);
drop function pgqueue.cancel(bigint, text[], integer);
drop function pgqueue.enqueue(
  text, jsonb, text, integer, timestamptz, double precision, integer, text[],
  jsonb
);
drop function pgqueue.enqueue_named(text, jsonb, timestamptz, jsonb);
drop function pgqueue.checked_options(jsonb);
drop function pgqueue.notify(bigint, text);
drop trigger wake_ups_commit on pgqueue.wake_ups;
drop function pgqueue.wake_at_commit();
drop view pgqueue.listening_queues;
drop table pgqueue.wake_ups, pgqueue.tasks, pgqueue.requests, pgqueue.contact, pgqueue.supervisors, pgqueue.workers,
  pgqueue.logs,
  pgqueue.attempts, pgqueue.jobs;
drop domain pgqueue.queue_name, pgqueue.task_name, pgqueue.job_args,
  pgqueue.job_status, pgqueue.moment, pgqueue.priority, pgqueue.executor,
  pgqueue.delivery, pgqueue.attempt_count, pgqueue.backoff, pgqueue.wait_seconds,
  pgqueue.timeout_seconds, pgqueue.keep_seconds, pgqueue.fraction, pgqueue.job_key,
  pgqueue.tags, pgqueue.outcome, pgqueue.request_kind;
drop sequence pgqueue.jobs_position;
alter table pgqueue.schema_version drop column serves;
