-- Name the finished job that prune.sql would take first.
--
-- Index: jobs_kept_until.
-- Locks: that job, for this moment; locked ones are skipped, as in prune.sql.
select job.id, job.kept_until::text
from pgqueue.jobs as job
where job.status in ('succeeded', 'failed', 'cancelled')
  and job.kept_until <= (select clock_timestamp())
  and job.kept_until >= coalesce(%(after)s::timestamptz, '-infinity')
  and job.id <> all(%(refused)s::bigint[])
order by job.kept_until
limit 1
for update of job skip locked;
