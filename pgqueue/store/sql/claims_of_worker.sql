-- List the attempts that a worker runs according to the database.
--
-- Index: jobs_running, all of it; read after a broken connection and once a lease.
-- Locks: none.
select job.id, job.attempt, job.worker_id, job.task, job.queue
from pgqueue.jobs as job
where job.status = 'running'
  and job.worker_id = %(worker_id)s::bigint
order by - job.priority, job.position;
