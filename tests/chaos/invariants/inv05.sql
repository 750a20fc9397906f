-- A job succeeded if and only if its last attempt succeeded, and no other attempt.
--
-- A job that a person retried may succeed again, or may be cancelled before that.
-- When: stopped.
select job.id, job.task, job.status, job.attempt, won.attempts, won.last
from pgqueue.jobs as job
cross join lateral (
  select count(*) as attempts, max(attempt.attempt) as last
  from pgqueue.attempts as attempt
  where attempt.job_id = job.id
    and attempt.outcome = 'succeeded'
) as won
where (
    (job.status = 'succeeded') <> (won.last is not distinct from job.attempt)
    and not (
      job.status = 'cancelled'
      and job.id in (select retried.job_id from chaos.retried as retried)
    )
  )
  or (
    won.attempts > (job.status = 'succeeded')::integer
    and job.id not in (select retried.job_id from chaos.retried as retried)
  );
