-- Choose running jobs whose worker has ended, with the outcome its end means for each.
--
-- What the supervisor knows of a death stands in the worker's row, so this decides from rows
-- alone: killed for an overdue job, that one timed out and its neighbours were interrupted;
-- told to stop, all were interrupted; any other end (or a row that is gone) lost what had
-- started, and interrupted what had not. rescue settles the rows in the same transaction, with
-- settle.sql.
--
-- They are found first and locked after, by the token they were found with: a job that was
-- settled and claimed again in between is a live worker's, and is left alone (one that was only
-- settled is for settle.sql to pass over). Locked in one step, it would be looked at again
-- beside the worker it had before, and seem to have none.
--
-- Index: jobs_running, all of it: run after a death, and once a minute in case; jobs_pkey.
-- Locks: the chosen jobs in id order; jobs locked by a finisher are skipped.
with found as materialized (
  select
    job.id,
    job.attempt,
    job.worker_id,
    case
      when worker.stop_reason = 'overdue' and job.id = worker.overdue_job_id then 'timed_out'
      when worker.stop_reason in ('overdue', 'stopped') then 'interrupted'
      when job.id = any(worker.started_job_ids) is false then 'interrupted'
      else 'lost'
    end as outcome,
    job.id = any(worker.started_job_ids) is not false as is_started,
    coalesce(worker.stop_detail, 'its row is gone') as detail,
    job.timeout_seconds
  from pgqueue.jobs as job
  left join pgqueue.workers as worker on worker.id = job.worker_id
  where job.status = 'running'
    and (worker.id is null or worker.stopped_at is not null)
)
select
  found.id,
  found.attempt,
  found.worker_id,
  found.outcome,
  found.is_started,
  found.detail,
  found.timeout_seconds
from found
join pgqueue.jobs as job
  on (job.id, job.attempt, job.worker_id) = (found.id, found.attempt, found.worker_id)
order by job.id
limit %(jobs_max)s::int
for no key update of job skip locked;
