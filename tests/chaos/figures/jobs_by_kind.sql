-- Jobs by task and final status.
select
  job.task,
  count(*) as jobs,
  count(*) filter (where job.status = 'succeeded') as succeeded,
  count(*) filter (where job.status = 'failed') as failed,
  count(*) filter (where job.status = 'cancelled') as cancelled,
  sum(job.attempt) as attempts
from chaos.jobs as job
group by job.task
order by job.task;
