-- Compute when new jobs fall due, their status until then, and when they expire, in the order of the
-- parameters: COPY cannot compute.
--
-- As JSON: an array cannot hold a null where a role has set array_nulls to off.
--
-- Index: none.
-- Locks: none.
select
  due.run_at,
  case when due.run_at > clock_timestamp() then 'scheduled' else 'queued' end,
  clock_timestamp() + make_interval(secs => due.expires_after_seconds)
from (
  select
    coalesce(
      wanted.run_at,
      clock_timestamp() + make_interval(secs => wanted.run_after_seconds),
      clock_timestamp()
    ) as run_at,
    wanted.expires_after_seconds,
    wanted.ordinal
  from rows from (
    json_to_recordset(%(due_keys)s::json) as (
      run_at timestamptz,
      run_after_seconds float8,
      expires_after_seconds float8
    )
  ) with ordinality as wanted (run_at, run_after_seconds, expires_after_seconds, ordinal)
) as due
order by due.ordinal;
