-- Each attempt starts outside at most once, only if its row has a start; each success started.
-- When: stopped.
select effect.job_id, effect.attempt, effect.key, 'started more than once' as why
from chaos.effects as effect
where effect.step = 'started'
group by effect.job_id, effect.attempt, effect.key
having count(*) > 1
union all
select effect.job_id, effect.attempt, effect.key, 'no such attempt'
from chaos.effects as effect
left join chaos.jobs as job on job.id = effect.job_id
where job.id is null
  or job.key <> effect.key
  or effect.attempt not between 1 and job.attempt
union all
select effect.job_id, effect.attempt, effect.key, 'its row has no start'
from chaos.effects as effect
join pgqueue.attempts as attempt
  on attempt.job_id = effect.job_id
  and attempt.attempt = effect.attempt
where effect.step = 'started'
  and attempt.started_at is null
union all
select job.id, job.attempt, job.key, 'succeeded without a start'
from chaos.jobs as job
where job.status = 'succeeded'
  and not exists (
    select
    from chaos.effects as effect
    where effect.job_id = job.id
      and effect.attempt = job.attempt
      and effect.step = 'started'
  );
