-- Injected faults, and the processes, sessions, replies and jobs that they hit.
select
  fault.name,
  count(*) filter (where fault.step = 'injected') as injected,
  count(*) filter (where fault.step = 'skipped') as skipped,
  sum(
    case when jsonb_typeof(fault.facts -> 'pids') = 'array'
      then jsonb_array_length(fault.facts -> 'pids') end
  ) as processes,
  sum((fault.facts ->> 'sessions')::integer) as sessions,
  sum((fault.facts ->> 'dropped')::integer) as dropped_replies,
  sum(
    case when jsonb_typeof(fault.facts -> 'ids') = 'array'
      then jsonb_array_length(fault.facts -> 'ids') end
  ) as jobs
from chaos.faults as fault
group by fault.name
order by fault.name;
