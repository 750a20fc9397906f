-- Name the expired job that expire.sql would take first.
--
-- Index: jobs_expires_at, which holds waiting jobs that can expire.
-- Locks: none. One that somebody has locked may be named in its place; it is left out in vain, and
--        the next one is named at the next failure.
select job.id
from pgqueue.jobs as job
where job.status in ('scheduled', 'queued', 'blocked')
  and job.expires_at <= clock_timestamp()
  and job.id <> all(%(refused)s::bigint[])
order by job.expires_at
limit 1;
