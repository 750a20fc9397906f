-- No job takes a step in a fork, and no fork records anything.
--
-- Some tasks return the id of their process, also in a fork that returns from the task.
-- When: stopped.
with worked as (
  select attempt.job_id, attempt.attempt, worker.pid, attempt.error_message
  from pgqueue.attempts as attempt
  join pgqueue.workers as worker on worker.id = attempt.worker_id
)
select worked.job_id, worked.attempt, worked.pid, effect.pid::text as other, 'a step' as what
from chaos.effects as effect
join worked on worked.job_id = effect.job_id and worked.attempt = effect.attempt
where effect.pid <> worked.pid
union all
select worked.job_id, worked.attempt, worked.pid, job.result::text, 'a result'
from pgqueue.jobs as job
join worked on worked.job_id = job.id and worked.attempt = job.attempt
where job.status = 'succeeded'
  and job.task ~ '^chaos\.tasks\.\w+\.a?(forking|multiplying|starting)(_alone)?$'
  and job.result <> to_jsonb(worked.pid)
union all
select worked.job_id, worked.attempt, worked.pid, worked.error_message, 'an error'
from worked
where worked.error_message like '%in a fork%'
union all
select line.job_id, line.attempt, null, line.message, 'a log line'
from pgqueue.logs as line
where line.message = 'in a fork'
union all
select job.id, job.attempt, null, job.progress_message, 'progress'
from pgqueue.jobs as job
where job.progress_message = 'in a fork';
