-- A committed enqueue exists and is final.
-- When: stopped.
select send.key, send.task, job.id, job.status
from chaos.sends as send
left join chaos.jobs as job on job.key = send.key
where send.outcome = 'committed'
  and (job.id is null or job.status not in ('succeeded', 'failed', 'cancelled'));
