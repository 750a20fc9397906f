-- List the queues that have a ready job, with the kind of worker it needs; when the next scheduled job
-- falls due; and whether any worker has an open request.
--
-- Index: jobs_ready, one probe for each (queue, executor, quarantined) that is not empty;
--        jobs_scheduled, from a minute ago on: before that lie entries of jobs that were promoted;
--        requests_open.
-- Locks: none.
-- Answer: the queues, each with the seconds until that moment (null for never, negative for late),
--         the requests and the seconds that the scan took. Without a ready job, one row with these
--         alone.
with recursive began as materialized (
  select clock_timestamp() as at
),
ready as (
  (
    select job.queue, job.executor, job.quarantined
    from pgqueue.jobs as job
    where job.status = 'queued'
    order by job.queue, job.executor, job.quarantined
    limit 1
  )
  union all
  select next.queue, next.executor, next.quarantined
  from ready
  cross join lateral (
    select job.queue, job.executor, job.quarantined
    from pgqueue.jobs as job
    where job.status = 'queued'
      and (job.queue, job.executor, job.quarantined)
        > (ready.queue, ready.executor, ready.quarantined)
    order by job.queue, job.executor, job.quarantined
    limit 1
  ) as next
),
listed as materialized (
  select ready.queue, ready.executor, ready.quarantined
  from ready
)
select
  listed.queue,
  listed.executor,
  listed.quarantined,
  seen.due_in_seconds,
  seen.has_requests,
  extract(epoch from seen.ended_at - seen.began_at)::float8 as seconds
from (
  select
    (select began.at from began) as began_at,
    (select count(*) from listed) as queues,
    (
      select extract(epoch from job.run_at - clock_timestamp())::float8
      from pgqueue.jobs as job
      where job.status = 'scheduled'
        and job.run_at > (select began.at - make_interval(mins => 1) from began)
      order by job.run_at
      limit 1
    ) as due_in_seconds,
    exists (
      select
      from pgqueue.requests as request
      where request.answered_at is null
    ) as has_requests,
    clock_timestamp() as ended_at
) as seen
left join listed on seen.queues > 0;
