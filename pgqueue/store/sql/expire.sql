-- Cancel jobs that were not started before they expired, a limited number at a time.
--
-- Index: jobs_expires_at, which has the waiting jobs that can expire.
-- Answer: each job, and whether it is cancelled: a trigger of the application may keep it silently.
-- Locks: the expired jobs, earliest first; locked ones are skipped, for the next batch.
with expired as materialized (
  select job.id
  from pgqueue.jobs as job
  where job.status in ('scheduled', 'queued', 'blocked')
    and job.expires_at <= (select clock_timestamp())
    and job.expires_at >= coalesce(%(after)s::timestamptz, '-infinity')
    and job.id <> all(%(refused)s::bigint[])
  order by job.expires_at
  limit %(jobs_max)s::int
  for no key update of job skip locked
),
cancelled as (
  update pgqueue.jobs as job
  set
    status = 'cancelled',
    finished_at = clock_timestamp(),
    kept_until = clock_timestamp() + make_interval(
      secs => greatest(job.keep_seconds, 86400::float8)
    ),
    error = 'Expired: not started before ' || job.expires_at
  from expired
  where job.id = expired.id
  returning job.id
)
select expired.id, expired.id in (select cancelled.id from cancelled) as is_changed
from expired;
