-- Write the latest progress of attempts that are still held.
--
-- Index: jobs_pkey, by lists of one as in settle.sql; no index holds progress, so the update may
--        stay on its page.
-- Locks: the jobs. Locked ones are skipped: progress holds nobody up.
-- Fence: (id, attempt, worker_id) on a running row.
with told as materialized (
  select job.id, said.progress, said.message
  from json_to_recordset(%(progress)s::json) as said (
    id bigint,
    attempt integer,
    worker_id bigint,
    progress float8,
    message text
  )
  join pgqueue.jobs as job on job.id = any(array[said.id])
  where job.status is not distinct from 'running'
    and job.attempt = said.attempt
    and job.worker_id = said.worker_id
  for no key update of job skip locked
)
update pgqueue.jobs as job
set
  progress = told.progress,
  progress_message = told.message
from told
where job.id = any(array[told.id]);
