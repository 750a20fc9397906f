-- Write the latest progress of active attempts.
--
-- Index: jobs_pkey, by lists of one as in settle.sql; no index has progress, so the update may
--        stay on its page.
-- Locks: the jobs. Locked ones are skipped: progress delays no other session.
-- Fence: (id, attempt, worker_id) on a running row.
with active as materialized (
  select job.id, report.progress, report.message
  from json_to_recordset(%(progress)s::json) as report (
    id bigint,
    attempt integer,
    worker_id bigint,
    progress float8,
    message text
  )
  join pgqueue.jobs as job on job.id = any(array[report.id])
  where job.status is not distinct from 'running'
    and job.attempt = report.attempt
    and job.worker_id = report.worker_id
  for no key update of job skip locked
)
update pgqueue.jobs as job
set
  progress = active.progress,
  progress_message = active.message
from active
where job.id = any(array[active.id]);
