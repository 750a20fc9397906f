-- Delete requests a given time after they were made, unless their attempt still runs.
--
-- Index: jobs_pkey, by a list of one key as in settle.sql; requests are few.
-- Locks: the deleted rows.
delete from pgqueue.requests as request
where request.created_at < clock_timestamp() - make_interval(secs => %(keep_seconds)s::float8)
  and not exists (
    select
    from pgqueue.jobs as job
    where job.id = any(array[request.job_id])
      and job.status is not distinct from 'running'
      and job.attempt = request.attempt
      and job.worker_id = request.worker_id
  )
returning request.id;
