-- Arguments, results, errors and tracebacks are within their limits.
-- When: stopped.
select job.id, job.task, 'job' as what
from pgqueue.jobs as job
where octet_length(job.args::text) > 65536
  or octet_length(job.result::text) > 1048576
  or char_length(job.error) > 2000
union all
select attempt.job_id, attempt.error_type, 'attempt'
from pgqueue.attempts as attempt
where octet_length(attempt.error_message) > 65536
  or octet_length(attempt.traceback) > 65536;
