-- Insert one job with the options that a worker recorded for its task, some of them replaced.
--
-- Index: tasks_pkey is read; the tables written are those of enqueue.sql.
-- Locks: the new row only.
-- Twin:  the function pgqueue.enqueue holds the rule, for any language.
select pgqueue.enqueue(
  %(task)s::text,
  %(args)s::jsonb,
  run_after => coalesce(
    %(run_at)s::timestamptz,
    clock_timestamp() + make_interval(secs => %(run_after_seconds)s::float8)
  ),
  options => %(options)s::jsonb
);
