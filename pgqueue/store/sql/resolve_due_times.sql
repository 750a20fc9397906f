-- Compute when new jobs fall due, their status until then, and when they expire, in the order of the
-- parameters: COPY cannot compute.
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
  from unnest(
    %(run_at)s::timestamptz[],
    %(run_after_seconds)s::float8[],
    %(expires_after_seconds)s::float8[]
  ) with ordinality as wanted (run_at, run_after_seconds, expires_after_seconds, ordinal)
) as due
order by due.ordinal;
