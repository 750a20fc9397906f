-- Find running jobs whose worker has ended, with the outcome its end means for each.
--
-- What the supervisor knows of a death stands in the worker's row, so this decides from rows
-- alone: killed for an overdue job, that one timed out and its neighbours were interrupted;
-- told to stop, all were interrupted; any other end (or a row that is gone) lost what had
-- started, and interrupted what had not.
--
-- They are settled one statement later, by settle.sql, whose fence leaves alone what is not as it
-- was found: the end of a worker is final, so a job with its token is a dead worker's still.
--
-- Index: jobs_running, all of it: run after a death, and once a minute in case. The materialized
--        CTE keeps the order from choosing another index.
-- Locks: none.
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
    job.timeout_seconds,
    job.task,
    job.queue
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
  found.timeout_seconds,
  found.task,
  found.queue
from found
where found.id > %(after_id)s::bigint
order by found.id
limit %(jobs_max)s::int;
