-- Choose running jobs whose worker has ended, with the outcome its end means for each.
--
-- What the supervisor knows of a death stands in the worker's row, so this decides from rows
-- alone: killed for an overdue job, the overdue ones timed out and their neighbours were
-- interrupted; told to stop, all were interrupted; any other end (or a row that is gone)
-- lost them. rescue settles the rows in the same transaction, with settle.sql.
--
-- Index: jobs_running, all of it: run after a death, and once a minute in case.
-- Locks: the chosen jobs in id order; jobs locked by a finisher are skipped.
select
  job.id,
  job.attempt,
  job.worker_id,
  case
    when worker.stop_reason = 'overdue' and job.deadline_at <= worker.stopped_at
      then 'timed_out'
    when worker.stop_reason in ('overdue', 'stopped') then 'interrupted'
    else 'lost'
  end as outcome,
  coalesce(worker.stop_detail, 'its row is gone') as detail,
  job.timeout_seconds
from pgqueue.jobs as job
left join pgqueue.workers as worker on worker.id = job.worker_id
where job.status = 'running'
  and (worker.id is null or worker.stopped_at is not null)
order by job.id
limit %(jobs_max)s::int
for no key update of job skip locked;
