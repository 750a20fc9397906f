create view pgqueue.running_jobs with (security_invoker = true) as
select
  job.id,
  job.task,
  job.queue,
  job.attempt,
  job.started_at,
  extract(epoch from clock_timestamp() - job.started_at)::double precision as running_seconds,
  job.deadline_at,
  job.progress,
  job.progress_message,
  job.executor,
  job.worker_id,
  worker.host,
  worker.pid,
  worker.supervisor_id
from pgqueue.jobs as job
left join pgqueue.workers as worker on worker.id = job.worker_id
where job.status = 'running';
