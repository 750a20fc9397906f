-- Seconds from a kill to the next start of each lost job, seen outside, amid other faults.
with killed as (
  select fault.name, fault.at, victim.pid::integer as pid
  from chaos.faults as fault
  cross join lateral jsonb_array_elements_text(fault.facts -> 'pids') as victim (pid)
  where fault.step = 'injected'
    and fault.name in ('kill_child', 'kill_children', 'kill_group')
),
again as (
  select killed.name, extract(epoch from min(effect.at) - killed.at) as seconds
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
  join pgqueue.attempts as attempt
    on attempt.worker_id = worker.id
    and attempt.outcome = 'lost'
    -- A job that a person retried may start much later.
    and attempt.job_id not in (select retried.job_id from chaos.retried as retried)
  join chaos.effects as effect
    on effect.job_id = attempt.job_id
    and effect.attempt > attempt.attempt
    and effect.step = 'started'
  group by killed.name, killed.at, killed.pid, attempt.job_id, attempt.attempt
)
select
  again.name,
  count(*) as jobs,
  percentile_cont(0.5) within group (order by again.seconds) as p50,
  percentile_cont(0.99) within group (order by again.seconds) as p99,
  max(again.seconds) as max
from again
group by again.name
order by again.name;
