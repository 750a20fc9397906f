-- No attempt works outside beside a later attempt of its job, unless its process was frozen.
-- A process that resumes after its lease works on for a moment, and cannot know it.
-- When: stopped.
with work as (
  select
    effect.job_id,
    effect.attempt,
    effect.pid,
    min(effect.at) as from_at,
    max(effect.at) as until_at
  from chaos.effects as effect
  group by effect.job_id, effect.attempt, effect.pid
),
frozen as (
  select process.pid::integer as pid
  from chaos.faults as fault
  cross join lateral jsonb_array_elements_text(fault.facts::jsonb -> 'pids') as process (pid)
  where fault.name in ('stop_child', 'stop_group')
    and fault.step = 'injected'
)
select one.job_id, one.attempt, one.pid, one.until_at, other.attempt as later, other.from_at
from work as one
join work as other
  on other.job_id = one.job_id
  and other.attempt > one.attempt
  and other.from_at < one.until_at
where one.pid not in (select frozen.pid from frozen);
