-- Run jobs, and all that a supervisor does around it: claim, settle, rescue, promote, expire,
-- prune, log, and keep the rows of workers and tasks.
--
-- What a job is to do cannot be changed: of a job's columns, only those that tell what became
-- of it may be written.
grant select, delete on pgqueue.jobs to pgqueue_worker;

grant update (
  status, position, run_at, executor, attempt, failure_count, lost_count, worker_id,
  started_at, deadline_at, expires_at, finished_at, kept_until, progress, progress_message,
  result, error
)
on pgqueue.jobs to pgqueue_worker;

grant insert, delete, select (job_id, attempt) on pgqueue.attempts to pgqueue_worker;

grant insert, delete, select (job_id, attempt, number) on pgqueue.logs to pgqueue_worker;

grant select, insert, update, delete on pgqueue.workers, pgqueue.supervisors to pgqueue_worker;

grant select, insert, update on pgqueue.tasks to pgqueue_worker;

grant select, delete, update (answered_at, answer) on pgqueue.requests to pgqueue_worker;

-- A claim looks how far positions have been taken.
grant select on sequence pgqueue.jobs_position to pgqueue_worker;
