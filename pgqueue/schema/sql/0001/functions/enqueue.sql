create function pgqueue.enqueue(
  task text,
  args jsonb default '{}',
  queue text default null,
  priority integer default null,
  run_after timestamptz default null,
  timeout double precision default null,
  max_attempts integer default null,
  tags text[] default null,
  options jsonb default null
) returns bigint
language sql
set search_path = pg_catalog, pg_temp
begin atomic
  select job.id
  from pgqueue.enqueue_named(
    enqueue.task,
    enqueue.args,
    enqueue.run_after,
    case
      when enqueue.options is null then '{}'
      else pgqueue.checked_options(enqueue.options)
    end || jsonb_strip_nulls(
      jsonb_build_object(
        'queue', enqueue.queue,
        'priority', enqueue.priority,
        'timeout_seconds', enqueue.timeout,
        'max_attempts', enqueue.max_attempts,
        'tags', enqueue.tags
      )
    )
  ) as job;
end;
