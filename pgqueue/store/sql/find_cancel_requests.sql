-- Find running jobs of one supervisor's workers that somebody asked to cancel.
--
-- Index: jobs_cancel_requested, which holds such jobs only.
-- Locks: none.
select job.worker_id, job.id, job.attempt
from pgqueue.jobs as job
join pgqueue.workers as worker on worker.id = job.worker_id
where job.cancel_requested_at is not null
  and job.status = 'running'
  and worker.supervisor_id = %(supervisor_id)s::bigint;
