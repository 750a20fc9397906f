-- Claim the next ready jobs of one executor, over all queues of a worker, in one statement.
--
-- Queues are taken in the order given; within one, priority, then position. The attempt is
-- counted here, so a worker that dies afterwards has used it. Arguments leave as text: what
-- cannot be decoded spoils its own job only. Jobs past the free slots are a prefetch, which
-- an at_most_once job never joins. A worker that was given up claims nothing. Quarantined jobs
-- are for the quarantine worker, which takes nothing else. A count at its maximum stays there.
--
-- Index: jobs_ready (queue, executor, quarantined, priority desc, position) where
--        status = 'queued'; workers_pkey; jobs_pkey.
-- Locks: the worker's row for key share (bury.sql waits for this claim to end, renew.sql
--        does not), then the chosen jobs in ready order; locked ones are skipped. The
--        materialized CTE keeps the limit a limit under every plan.
with alive as materialized (
  select worker.id, worker.quarantine
  from pgqueue.workers as worker
  where worker.id = %(worker_id)s::bigint
    and worker.stopped_at is null
  for key share of worker
),
chosen as materialized (
  select ready.id, ready.delivery
  from alive
  cross join unnest(%(queues)s::text[]) as wanted (queue)
  cross join lateral (
    select job.id, job.delivery
    from pgqueue.jobs as job
    where job.status = 'queued'
      and job.queue = wanted.queue
      and job.executor = %(executor)s::text
      and job.quarantined = alive.quarantine
      and job.task <> all(%(unknown_tasks)s::text[])
      and (job.expires_at is null or job.expires_at > clock_timestamp())
    order by job.priority desc, job.position
    limit %(jobs_max)s::int
    for no key update of job skip locked
  ) as ready
  limit %(jobs_max)s::int
),
placed as (
  select chosen.id, chosen.delivery, row_number() over () as place
  from chosen
)
update pgqueue.jobs as job
set
  status = 'running',
  attempt = least(job.attempt, 2147483646) + 1,
  worker_id = %(worker_id)s::bigint,
  started_at = clock_timestamp(),
  deadline_at = clock_timestamp() + make_interval(secs => job.timeout_seconds),
  progress = null,
  progress_message = null
from placed
where job.id = placed.id
  and (placed.place <= %(slots_free)s::int or placed.delivery = 'at_least_once')
returning
  placed.place,
  job.id,
  job.attempt,
  job.task,
  job.args::text,
  job.queue,
  job.timeout_seconds;
