-- Run jobs, and do the work of a supervisor: claim, settle, rescue, promote, expire, prune, log, and
-- write the rows of workers and tasks.
--
-- A worker cannot change the task or the arguments of a job: it may write only the columns that
-- record the job's progress and its end.
grant select, delete on pgqueue.jobs to pgqueue_worker;

grant update (
  status, position, run_at, executor, attempt, failure_count, lost_count, worker_id,
  started_at, deadline_at, expires_at, finished_at, kept_until, progress, progress_message,
  result, error
)
on pgqueue.jobs to pgqueue_worker;

grant
  insert, delete, select (job_id, attempt, worker_id, outcome),
  update (error_type, error_message, traceback)
on pgqueue.attempts to pgqueue_worker;

grant insert, delete, select (job_id, attempt, number) on pgqueue.logs to pgqueue_worker;

grant select, insert, update, delete on pgqueue.workers, pgqueue.supervisors to pgqueue_worker;

grant select, insert, update on pgqueue.contact to pgqueue_worker;

grant select, insert, update on pgqueue.tasks to pgqueue_worker;

grant select, delete, update (answered_at, answer) on pgqueue.requests to pgqueue_worker;

-- A claim reads the highest position that was taken.
grant select on sequence pgqueue.jobs_position to pgqueue_worker;
