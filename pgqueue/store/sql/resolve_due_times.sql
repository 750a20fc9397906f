-- Tell when jobs asked for now fall due, their status until then, and when they expire, in
-- the order asked: COPY cannot compute.
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
      asked.run_at,
      clock_timestamp() + make_interval(secs => asked.run_after_seconds),
      clock_timestamp()
    ) as run_at,
    asked.expires_after_seconds,
    asked.place
  from unnest(
    %(run_at)s::timestamptz[],
    %(run_after_seconds)s::float8[],
    %(expires_after_seconds)s::float8[]
  ) with ordinality as asked (run_at, run_after_seconds, expires_after_seconds, place)
) as due
order by due.place;
