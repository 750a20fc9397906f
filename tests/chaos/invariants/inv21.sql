-- An attempt ends at its timeout, within five seconds.
--
-- The outside effects show it, unless the process was stopped. The row shows it too, unless a fault
-- delayed the settlement: a lost reply times out after 22 s, so faults of the last 25 s count.
-- When: stopped.
with lasted as (
  select
    started.job_id,
    started.attempt,
    started.pid,
    started.at as from_at,
    min(ended.at) as until_at
  from chaos.effects as started
  join chaos.effects as ended
    on ended.job_id = started.job_id
    and ended.attempt = started.attempt
    and ended.step <> 'started'
  where started.step = 'started'
  group by started.job_id, started.attempt, started.pid, started.at
)
select lasted.job_id, lasted.attempt, job.task, job.timeout_seconds,
  extract(epoch from lasted.until_at - lasted.from_at) as seconds, 'outside' as seen_by
from lasted
join pgqueue.jobs as job on job.id = lasted.job_id
where lasted.until_at - lasted.from_at > make_interval(secs => job.timeout_seconds + 5)
  and not exists (
    select
    from chaos.windows as fault
    where fault.name in ('stop_child', 'stop_group')
      and fault.from_at < lasted.until_at
      and fault.until_at > lasted.from_at
  )
union all
select attempt.job_id, attempt.attempt, job.task, job.timeout_seconds,
  extract(epoch from attempt.finished_at - attempt.started_at), 'inside'
from pgqueue.attempts as attempt
join pgqueue.jobs as job on job.id = attempt.job_id
where attempt.finished_at - attempt.started_at > make_interval(secs => job.timeout_seconds + 5)
  and not exists (
    select
    from chaos.windows as fault
    where fault.name not in ('kill_child', 'cancel_jobs', 'retry_jobs', 'migrate', 'hold_snapshot')
      and fault.from_at < attempt.finished_at
      and fault.until_at > attempt.started_at - interval '25 seconds'
  );
