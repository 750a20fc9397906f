-- Delete workers that ended long ago and whose jobs are all settled.
--
-- Index: none; the table has a row for each start of the last days.
-- Locks: the deleted rows.
delete from pgqueue.workers as worker
where worker.stopped_at < clock_timestamp() - make_interval(secs => %(keep_seconds)s::float8)
  and not exists (
    select
    from pgqueue.jobs as job
    where job.status = 'running'
      and job.worker_id = worker.id
  )
returning worker.id;
