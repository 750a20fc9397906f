-- Claim the next ready jobs of one executor, over all queues of a worker, in one statement.
--
-- Key ranges are read in their order, each in the ready order: priority, then position. The claim
-- counts the attempt, so that a worker that dies afterwards has used it. Arguments are returned as
-- text: arguments that cannot be decoded affect their own job only. Jobs past the free slots are a
-- prefetch, which ends before the first at_most_once job. Arguments past a number of bytes end the
-- claim too, after its first job: a link may be slow. A worker that has ended claims nothing.
-- Quarantined jobs are for the quarantine worker, which takes no other jobs. A count at its maximum
-- stays there.
--
-- Index: jobs_ready (queue, executor, quarantined, (- priority), position) where
--        status = 'queued', each key range from its cursor; workers_pkey; jobs_pkey, by a list of
--        keys and not by a join, which might read all of a table that was small when it was planned.
-- Locks: the worker's row for key share (end_workers.sql waits for this claim to end, renew_leases.sql
--        does not), then the chosen jobs in ready order; locked ones are skipped. The
--        materialized CTE keeps the limit a limit under every plan.
-- Answer: the claimed jobs, in no order, each beside the snapshot; the snapshot alone without any.
with started as materialized (
  select clock_timestamp() as at
),
alive as materialized (
  select worker.id, worker.quarantine
  from pgqueue.workers as worker
  where worker.id = %(worker_id)s::bigint
    and worker.stopped_at is null
  for key share of worker
),
chosen as materialized (
  select ready.id, ready.delivery, ready.args_bytes
  from alive
  cross join unnest(
    %(queues)s::text[],
    %(priorities)s::integer[],
    %(afters)s::bigint[],
    %(until_priorities)s::integer[]
  ) as key_range (queue, priority, after, until_priority)
  cross join lateral (
    select
      job.id,
      job.delivery,
      -- The size of the text, which only compressed arguments are read for.
      case
        when pg_column_compression(job.args) is null then pg_column_size(job.args)
        else octet_length(job.args::text)
      end as args_bytes
    from pgqueue.jobs as job
    where job.status = 'queued'
      and job.queue = key_range.queue
      and job.executor = %(executor)s::text
      and job.quarantined = alive.quarantine
      and (- job.priority, job.position) > (- key_range.priority, key_range.after)
      and (- job.priority) <= - key_range.until_priority
      and job.task <> all(%(unknown_tasks)s::text[])
      and (job.expires_at is null or job.expires_at > clock_timestamp())
    order by - job.priority, job.position
    limit %(jobs_max)s::int
    for no key update of job skip locked
  ) as ready
  limit %(jobs_max)s::int
),
numbered as (
  select
    chosen.id,
    chosen.delivery,
    row_number() over preceding as number,
    sum(chosen.args_bytes) over preceding as args_bytes
  from chosen
  window preceding as (rows unbounded preceding)
),
affordable as materialized (
  select numbered.id, numbered.delivery, numbered.number
  from numbered
  where numbered.number = 1
    or numbered.args_bytes <= %(args_bytes_max)s::bigint
),
claimed as (
  update pgqueue.jobs as job
  set
    status = 'running',
    attempt = least(job.attempt, 2147483646) + 1,
    worker_id = %(worker_id)s::bigint,
    started_at = clock_timestamp(),
    deadline_at = clock_timestamp() + make_interval(secs => job.timeout_seconds),
    progress = null,
    progress_message = null
  where job.id = any(
    array(
      select affordable.id
      from affordable
      where affordable.number < (
        select coalesce(min(first.number), 2147483647)
        from affordable as first
        where first.number > %(slots_free)s::int
          and first.delivery = 'at_most_once'
      )
    )
  )
  returning
    job.id,
    job.attempt,
    job.worker_id,
    job.task,
    job.args::text as args,
    job.queue,
    job.timeout_seconds,
    job.priority,
    job.position
)
select
  claimed.id,
  claimed.attempt,
  claimed.worker_id,
  claimed.task,
  claimed.args,
  claimed.queue,
  claimed.timeout_seconds,
  claimed.priority,
  claimed.position,
  seen.chosen,
  seen.affordable,
  seen.xmin,
  seen.xmax,
  seen.position,
  extract(epoch from seen.ended_at - seen.began_at)::float8 as seconds
from (
  select
    (select started.at from started) as began_at,
    (select count(*)::integer from chosen) as chosen,
    (select count(*)::integer from affordable) as affordable,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xmin,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint as xmax,
    (
      select sequence.last_value - (not sequence.is_called)::integer
      from pgqueue.jobs_position as sequence
    ) as position,
    clock_timestamp() as ended_at
) as seen
left join claimed on true;
