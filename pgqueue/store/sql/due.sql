-- Tell when a job asked for now falls due, and its status until then: COPY cannot compute.
--
-- Index: none.
-- Locks: none.
select
  due.run_at::text,
  case when due.run_at > clock_timestamp() then 'scheduled' else 'queued' end,
  (clock_timestamp() + make_interval(secs => %(expires_after_seconds)s::float8))::text
from (
  select coalesce(
    %(run_at)s::timestamptz,
    clock_timestamp() + make_interval(secs => %(run_after_seconds)s::float8),
    clock_timestamp()
  ) as run_at
) as due;
