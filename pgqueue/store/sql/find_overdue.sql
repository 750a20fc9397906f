-- Find jobs of one supervisor's workers past their deadline and the grace after it.
--
-- The worker itself raises JobTimeout in the task at the deadline; what is still running
-- after the grace resists, and only the end of its process stops it. The deadline counts from
-- the claim: the worker's scoreboard shows whether the job runs, or waits behind one that does.
--
-- Index: jobs_running (deadline_at) where status = 'running': overdue rows only.
-- Locks: none.
select
  worker.id as worker_id,
  job.id as job_id,
  extract(epoch from clock_timestamp() - job.deadline_at)::float8 as overdue_seconds
from pgqueue.jobs as job
join pgqueue.workers as worker on worker.id = job.worker_id
where job.status = 'running'
  and job.deadline_at < (
    select clock_timestamp() - make_interval(secs => %(grace_seconds)s::float8)
  )
  and worker.supervisor_id = %(supervisor_id)s::bigint
  and worker.stopped_at is null
order by job.deadline_at;
