-- An at_most_once job is started at most once, by its attempts and by its outside effects.
-- When: stopped.
select job.id, job.task, outside.starts as outside_starts, inside.starts
from pgqueue.jobs as job
cross join lateral (
  select count(*) as starts
  from chaos.effects as effect
  where effect.job_id = job.id
    and effect.step = 'started'
) as outside
cross join lateral (
  select count(*) as starts
  from pgqueue.attempts as attempt
  where attempt.job_id = job.id
    and attempt.started_at is not null
) as inside
where job.delivery = 'at_most_once'
  and (outside.starts > 1 or inside.starts > 1);
