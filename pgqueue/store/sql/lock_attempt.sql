-- Lock one attempt for its worker, until the end of the caller's transaction.
--
-- Index: jobs_pkey.
-- Locks: the job, as for a deletion: add_log_lines.sql writes no line of it meanwhile. Waits for a
--        session that has it locked.
-- Fence: (id, attempt, worker_id) on a running row. No answer: the lease was lost.
select job.id
from pgqueue.jobs as job
where job.id = %(id)s::bigint
  and job.status = 'running'
  and job.attempt = %(attempt)s::integer
  and job.worker_id = %(worker_id)s::bigint
for update of job;
