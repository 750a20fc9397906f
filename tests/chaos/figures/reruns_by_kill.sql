-- Attempts that were lost with a killed process.
with killed as (
  select fault.name, fault.at, victim.pid::integer as pid
  from chaos.faults as fault
  cross join lateral jsonb_array_elements_text(fault.facts -> 'pids') as victim (pid)
  where fault.step = 'injected'
    and fault.name like 'kill_%'
),
affected as (
  select killed.name, killed.pid, killed.at, attempt.job_id
  from killed
  cross join lateral (
    -- A process id may belong to several workers over time.
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
  affected.name,
  count(distinct (affected.pid, affected.at)) as workers,
  count(affected.job_id) as attempts,
  round(count(affected.job_id)::numeric / greatest(count(distinct (affected.pid, affected.at)), 1), 2)
    as attempts_per_worker
from affected
group by affected.name
order by affected.name;
