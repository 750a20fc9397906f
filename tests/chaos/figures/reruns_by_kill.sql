-- Attempts that a killed process cost: those its workers held.
with killed as (
  select fault.name, fault.at, victim.pid::integer as pid
  from chaos.faults as fault
  cross join lateral jsonb_array_elements_text(fault.facts -> 'pids') as victim (pid)
  where fault.step = 'injected'
    and fault.name like 'kill_%'
),
held as (
  select killed.name, killed.pid, killed.at, attempt.job_id
  from killed
  cross join lateral (
    -- Process ids are used again in time.
    select worker.id
    from pgqueue.workers as worker
    where worker.pid = killed.pid
      and worker.started_at < killed.at
    order by worker.started_at desc
    limit 1
  ) as worker
  left join pgqueue.attempts as attempt
    on attempt.worker_id = worker.id
    and attempt.outcome in ('lost', 'interrupted')
)
select
  held.name,
  count(distinct (held.pid, held.at)) as workers,
  count(held.job_id) as attempts,
  round(count(held.job_id)::numeric / greatest(count(distinct (held.pid, held.at)), 1), 2)
    as attempts_per_worker
from held
group by held.name
order by held.name;
