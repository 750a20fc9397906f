-- The attempts of a job are numbered 1 to n, and n is the job's own count.
-- When: stopped.
select job.id, job.task, job.status, job.attempt, recorded.attempts, recorded.last
from pgqueue.jobs as job
cross join lateral (
  select count(*) as attempts, coalesce(max(attempt.attempt), 0) as last
  from pgqueue.attempts as attempt
  where attempt.job_id = job.id
) as recorded
where recorded.attempts <> job.attempt
  or recorded.last <> job.attempt
union all
select attempt.job_id, 'its job is gone', null, attempt.attempt, null, null
from pgqueue.attempts as attempt
where not exists (select from pgqueue.jobs as job where job.id = attempt.job_id);
