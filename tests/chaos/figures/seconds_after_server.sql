-- Seconds from a restarted server to the next start of any job, seen outside.
with ready as (
  select fault.name, fault.at, (fault.facts ->> 'ready_seconds')::numeric as ready_seconds
  from chaos.faults as fault
  where fault.step = 'healed'
    and fault.facts ? 'ready_seconds'
),
waits as (
  select ready.name, ready.ready_seconds, extract(epoch from next.at - ready.at) as seconds
  from ready
  cross join lateral (
    select min(effect.at) as at
    from chaos.effects as effect
    where effect.at > ready.at
      and effect.step = 'started'
  ) as next
)
select
  waits.name,
  count(*) as restarts,
  percentile_cont(0.5) within group (order by waits.seconds) as p50,
  percentile_cont(0.99) within group (order by waits.seconds) as p99,
  max(waits.seconds) as max,
  avg(waits.ready_seconds) as server_seconds_mean
from waits
group by waits.name
order by waits.name;
