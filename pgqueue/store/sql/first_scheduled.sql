-- Name the scheduled job that promote.sql would take first.
--
-- Index: jobs_scheduled (run_at) where status = 'scheduled'.
-- Locks: that job, for this moment; locked ones are skipped, as in promote.sql.
select job.id, job.run_at::text
from pgqueue.jobs as job
where job.status = 'scheduled'
  and job.run_at <= (select clock_timestamp())
  and job.run_at >= coalesce(%(after)s::timestamptz, '-infinity')
  and job.id <> all(%(refused)s::bigint[])
order by job.run_at
limit 1
for no key update of job skip locked;
