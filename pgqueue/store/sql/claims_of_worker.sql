-- List what a worker runs according to the database, in the shape of a claim's answer.
--
-- A worker that may have lost the reply to a claim finds here the attempts that it does not know,
-- and may start them.
--
-- Index: jobs_running, all of it; read after a broken connection and once a lease.
-- Locks: none.
select
  job.id,
  job.attempt,
  job.worker_id,
  job.task,
  job.args::text,
  job.queue,
  job.timeout_seconds,
  job.priority,
  job.position
from pgqueue.jobs as job
where job.status = 'running'
  and job.worker_id = %(worker_id)s::bigint
order by - job.priority, job.position;
