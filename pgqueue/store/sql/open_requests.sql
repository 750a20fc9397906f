-- List the open requests to one supervisor's workers, and to workers that have ended, in no order.
--
-- Index: requests_open, which has open requests only; jobs_pkey, by a list of one key as in
--        settle.sql; workers_pkey.
-- Locks: none.
-- Answer: is_running is false when the attempt is over, so that nobody can answer the request.
select
  request.id,
  request.kind,
  request.worker_id,
  request.job_id,
  request.attempt,
  exists (
    select
    from pgqueue.jobs as job
    where job.id = any(array[request.job_id])
      and job.status is not distinct from 'running'
      and job.attempt = request.attempt
      and job.worker_id = request.worker_id
  ) as is_running
from pgqueue.requests as request
left join pgqueue.workers as worker on worker.id = request.worker_id
where request.answered_at is null
  and (
    worker.supervisor_id = %(supervisor_id)s::bigint
    -- Its supervisor may have ended with it, and would close no request any more.
    or worker.stopped_at is not null
    or worker.id is null
  );
