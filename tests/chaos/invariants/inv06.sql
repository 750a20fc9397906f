-- A running job has a worker and an unsettled attempt; a waiting job has no worker.
-- When: always.
select job.id, job.task, job.status, job.attempt, job.worker_id
from pgqueue.jobs as job
where job.status = 'running'
  and (
    job.worker_id is null
    or exists (
      select
      from pgqueue.attempts as attempt
      where attempt.job_id = job.id
        and attempt.attempt = job.attempt
    )
  )
union all
select job.id, job.task, job.status, job.attempt, job.worker_id
from pgqueue.jobs as job
where job.status in ('queued', 'scheduled')
  and job.worker_id is not null;
