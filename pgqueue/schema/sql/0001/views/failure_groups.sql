create view pgqueue.failure_groups with (security_invoker = true) as
select
  job.task,
  last.error_type,
  count(*) as failed_count,
  min(job.finished_at) as first_failed_at,
  max(job.finished_at) as last_failed_at,
  max(job.id) as last_job_id,
  (array_agg(last.error_message order by job.finished_at desc))[1] as last_error_message
from pgqueue.jobs as job
left join pgqueue.attempts as last
  on last.job_id = job.id
  and last.attempt = job.attempt
where job.status = 'failed'
group by job.task, last.error_type;
