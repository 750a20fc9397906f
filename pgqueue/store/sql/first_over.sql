-- Name the finished job that prune.sql would take first.
--
-- Index: jobs_kept_until.
-- Locks: none. One that somebody has locked may be named in its place; it is left out in vain, and
--        the next one is named at the next failure.
select job.id
from pgqueue.jobs as job
where job.kept_until <= clock_timestamp()
  and job.id <> all(%(refused)s::bigint[])
order by job.kept_until
limit 1;
