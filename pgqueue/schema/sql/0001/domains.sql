-- A domain checks a value when it is written. A check of the table runs again with every update of
-- the row, whichever columns the update writes.
create domain pgqueue.queue_name as text
  constraint queue_name_check check (char_length(value) between 1 and 200);

create domain pgqueue.task_name as text
  constraint task_name_check check (char_length(value) between 1 and 500);

create domain pgqueue.job_args as jsonb
  constraint job_args_check check (jsonb_typeof(value) = 'object')
  constraint job_args_depth_check check (
    not jsonb_path_exists(
      value, 'strict $.**{64} ? (@.type() == "array" || @.type() == "object")'
    )
  )
  constraint job_args_numbers_check check (
    not jsonb_path_exists(
      value,
      'strict $.** ? (@.type() == "number"
        && (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308))'
    )
  )
  constraint job_args_size_check check (octet_length(value::text) <= 2097152);

create domain pgqueue.job_status as text
  constraint job_status_check check (
    value in ('scheduled', 'queued', 'running', 'blocked', 'succeeded', 'failed', 'cancelled')
  );

create domain pgqueue.moment as timestamptz
  constraint moment_check check (
    value between '0001-01-02 00:00:00+00' and '9999-12-30 00:00:00+00'
  );

create domain pgqueue.priority as smallint
  constraint priority_check check (value between -100 and 100);

create domain pgqueue.executor as text
  constraint executor_check check (value in ('greenlet', 'asyncio', 'process'));

create domain pgqueue.delivery as text
  constraint delivery_check check (value in ('at_least_once', 'at_most_once'));

create domain pgqueue.attempt_count as integer
  constraint attempt_count_check check (value >= 1);

create domain pgqueue.backoff as text
  constraint backoff_check check (value in ('exponential', 'linear', 'fixed'));

create domain pgqueue.wait_seconds as double precision
  constraint wait_seconds_check check (value between 0 and 31622400);

create domain pgqueue.timeout_seconds as double precision
  constraint timeout_seconds_check check (value > 0 and value <= 31622400);

create domain pgqueue.keep_seconds as double precision
  constraint keep_seconds_check check (value between 0 and 3162240000);

create domain pgqueue.fraction as double precision
  constraint fraction_check check (value between 0 and 1);

create domain pgqueue.job_key as text
  constraint job_key_check check (char_length(value) between 1 and 500);

create domain pgqueue.tags as text[]
  constraint tags_check check (
    cardinality(value) <= 50
    and coalesce(array_ndims(value), 1) = 1
    and array_position(value, null) is null
    and array_position(value, '') is null
    and char_length(array_to_string(value, '')) <= 10000
  );

create domain pgqueue.outcome as text
  constraint outcome_check check (
    value in (
      'succeeded', 'failed', 'timed_out', 'lost', 'interrupted', 'cancelled', 'snoozed'
    )
  );

create domain pgqueue.request_kind as text
  constraint request_kind_check check (value in ('cancel'));
