-- From a server that is ready again to the next beginning of any job, outside.
with ready as (
  select fault.name, fault.at, (fault.facts ->> 'ready_seconds')::numeric as ready_seconds
  from chaos.faults as fault
  where fault.step = 'healed'
    and fault.facts ? 'ready_seconds'
),
begun as (
  select ready.name, ready.ready_seconds, extract(epoch from next.at - ready.at) as seconds
  from ready
  cross join lateral (
    select min(effect.at) as at
    from chaos.effects as effect
    where effect.at > ready.at
      and effect.step = 'begun'
  ) as next
)
select
  begun.name,
  count(*) as restarts,
  percentile_cont(0.5) within group (order by begun.seconds) as p50,
  percentile_cont(0.99) within group (order by begun.seconds) as p99,
  max(begun.seconds) as max,
  avg(begun.ready_seconds) as server_seconds_mean
from begun
group by begun.name
order by begun.name;
