-- Jobs whose outside work was completed more than once, without a retry by a person.
select
  job.task,
  count(*) as jobs,
  sum(done.times - 1) as more_than_once
from chaos.jobs as job
cross join lateral (
  select count(*) as times
  from chaos.effects as effect
  where effect.job_id = job.id
    and effect.step = 'done'
) as done
where done.times > 1
  and job.id not in (select retried.job_id from chaos.retried as retried)
group by job.task
order by job.task;
