-- Name the scheduled job that promote.sql would take first.
--
-- Index: jobs_scheduled (run_at) where status = 'scheduled'.
-- Locks: none. One that somebody has locked may be named in its place; it is left out in vain, and
--        the next one is named at the next failure.
select job.id
from pgqueue.jobs as job
where job.status = 'scheduled'
  and job.run_at <= clock_timestamp()
  and job.id <> all(%(refused)s::bigint[])
order by job.run_at
limit 1;
