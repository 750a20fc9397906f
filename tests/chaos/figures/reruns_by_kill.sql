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
  join pgqueue.workers as worker
    on worker.pid = killed.pid
    and killed.at between worker.started_at and worker.stopped_at
  left join pgqueue.attempts as attempt
    on attempt.worker_id = worker.id
    and attempt.outcome in ('lost', 'interrupted')
    and attempt.finished_at > killed.at
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
