-- Seconds that ready jobs waited for their claim, but for those whose last attempt was lost: these
-- may wait for the worker of a quarantine.
with ready as (
  select
    past.job_id,
    past.at,
    past.new_attempt,
    past.new_status,
    lead(past.at) over job_events as claimed_at,
    lead(past.new_status) over job_events as next_status
  from chaos.history as past
  window job_events as (partition by past.job_id order by past.id)
)
select
  split_part(job.task, '.', 3) as tasks,
  count(*) as claims,
  percentile_cont(0.5) within group (order by extract(epoch from ready.claimed_at - ready.at)) as half,
  percentile_cont(0.99) within group (order by extract(epoch from ready.claimed_at - ready.at)) as p99,
  max(extract(epoch from ready.claimed_at - ready.at)) as longest
from ready
join chaos.jobs as job on job.id = ready.job_id
where ready.new_status = 'queued'
  and ready.next_status = 'running'
  and not exists (
    select
    from pgqueue.attempts as attempt
    where attempt.job_id = ready.job_id
      and attempt.attempt = ready.new_attempt
      and attempt.outcome = 'lost'
  )
group by 1
order by 1;
