-- Find running jobs whose worker has ended, with the outcome its end means for each.
--
-- The worker's row records how it ended, so that rows alone decide: after a kill for an overdue
-- job, that job timed out and its neighbours were interrupted; after an ordered stop all jobs were
-- interrupted; after any other end, or without a row, started jobs are lost and the rest were
-- interrupted.
--
-- settle.sql settles the jobs in a later statement. Its fence skips a job that has changed since. The
-- end of a worker is final, so a job with its token still belongs to a worker that has ended.
--
-- Index: jobs_running, all of it: run after a death, and once a minute in case. The materialized
--        CTE keeps the order from choosing another index.
-- Locks: none.
with orphaned as materialized (
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
  orphaned.id,
  orphaned.attempt,
  orphaned.worker_id,
  orphaned.outcome,
  orphaned.is_started,
  orphaned.detail,
  orphaned.timeout_seconds,
  orphaned.task,
  orphaned.queue
from orphaned
where orphaned.id > %(after_id)s::bigint
order by orphaned.id
limit %(jobs_max)s::int;
