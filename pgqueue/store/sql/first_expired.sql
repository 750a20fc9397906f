-- Name the expired job that expire.sql would take first.
--
-- Index: jobs_expires_at, which has the waiting jobs that can expire.
-- Locks: that job, for this moment; locked ones are skipped, as in expire.sql.
select job.id, job.expires_at::text
from pgqueue.jobs as job
where job.status in ('scheduled', 'queued', 'blocked')
  and job.expires_at <= (select clock_timestamp())
  and job.expires_at >= coalesce(%(after)s::timestamptz, '-infinity')
  and job.id <> all(%(refused)s::bigint[])
order by job.expires_at
limit 1
for no key update of job skip locked;
