-- Settle attempts: the effect of each outcome on its job is decided here and nowhere else.
--
--   succeeded              succeeded; the row is deleted when keep_seconds is 0
--   failed, timed_out      counted; scheduled again after the row's backoff while the count is
--                          below max_attempts and the error counts as retryable, else failed
--   lost                   counted apart; queued again, the third in a row ends the job as failed
--   interrupted            queued again, due at once, never counted
--   snoozed                scheduled again after the given delay, never counted
--   cancelled              cancelled; kept for a day at least
--
-- A started at_most_once job never starts again: after every outcome but success and cancellation
-- it ends as failed, for a person. A cancellation that was requested while the job ran wins over
-- every outcome but success.
--
-- The deletion of a job with more than a hundred attempts may take long: it is left to the pruner,
-- which deletes the rows in portions.
--
-- A count at its maximum stays there, and an attempt whose row exists keeps that row (both occur in
-- a restored or hand-made table): neither keeps a job from its end.
--
-- Most settlements are successes without a result. They come as arrays, which are read faster than
-- JSON.
--
-- "in ... is true" looks ids up in a hash table; sessions of loops forbid a hash join.
--
-- Release: a step that starts or unblocks other jobs when a job ends (limits, order, dependencies)
--          stands at the last comment below, as data-modifying CTEs that read `decided` and `deleted`. Such
--          a step must select the jobs that have a key first, so that plain jobs cost nothing.
-- Index: jobs_pkey finds the rows; attempts_pkey is written. The status is compared by "is not
--        distinct", which no partial index answers: the index of running jobs looks as cheap as the
--        key while it is small, and has dead entries without end under an old snapshot. Keys are
--        compared by "= any(array[...])": for "=" the planner may read all of a table that is small,
--        in the order of the key, and goes on to when it has grown.
-- Locks: the jobs. A job that another session has locked is skipped, so that one open transaction
--        delays one job; as the statement waits for no lock, the jobs need no order. A job that is
--        to be deleted is locked as such, which an uncommitted reference to it prevents.
-- Fence: (id, attempt, worker_id) on a running row. An attempt that is missing from the answer
--        belongs to another worker: its lease was lost, and nothing is written for it.
-- Answer: the new status of each job; null for an attempt that was locked and is still active;
--         "refused" for an attempt that is still active because a trigger of the application skipped
--         its row or kept its status.
-- Flags:  keeps_job keeps a row that would be deleted; the pruner deletes it later. omits_attempt
--         writes no row of the attempt. Both are for a settlement that was refused before.
with ended as materialized (
  select
    success.id,
    success.attempt,
    success.worker_id,
    'succeeded' as outcome,
    null::boolean as retryable,
    null::float8 as delay_seconds,
    success.waited_seconds,
    null::text as executor,
    null::jsonb as result,
    null::text as error_type,
    null::text as error_message,
    null::text as traceback,
    null::boolean as keeps_job,
    null::boolean as omits_attempt
  from unnest(
    %(ids)s::bigint[],
    %(attempts)s::integer[],
    %(worker_ids)s::bigint[],
    %(waited_seconds)s::float8[]
  ) as success (id, attempt, worker_id, waited_seconds)
  union all
  select entry.*
  from json_to_recordset(%(ended)s::json) as entry (
    id bigint,
    attempt integer,
    worker_id bigint,
    outcome text,
    retryable boolean,
    delay_seconds float8,
    waited_seconds float8,
    executor text,
    result jsonb,
    error_type text,
    error_message text,
    traceback text,
    keeps_job boolean,
    omits_attempt boolean
  )
),
active as materialized (
  select
    ended.*,
    job.delivery,
    job.failure_count,
    job.lost_count,
    job.max_attempts,
    job.cancel_requested_at,
    job.backoff,
    job.backoff_base_seconds,
    job.backoff_max_seconds,
    case when job.backoff_jitter then 0.5::float8 + 0.5::float8 * random() else 1 end as jitter,
    job.keep_seconds,
    job.started_at + make_interval(secs => ended.waited_seconds) as started_at,
    clock_timestamp() as ended_at,
    (ended.outcome, job.keep_seconds, ended.keeps_job is true, job.attempt > 100)
      = ('succeeded', 0::float8, false, false) as is_deletable
  from ended
  join pgqueue.jobs as job on job.id = any(array[ended.id])
  where job.status is not distinct from 'running'
    and job.attempt = ended.attempt
    and job.worker_id = ended.worker_id
  for no key update of job skip locked
),
deletable as materialized (
  select job.id
  from pgqueue.jobs as job
  where job.id = any(array(select active.id from active where active.is_deletable))
  for update of job skip locked
),
deleted as (
  delete from pgqueue.jobs as job
  where job.id = any(array(select deletable.id from deletable))
  returning job.id, job.attempt
),
deleted_attempts as (
  delete from pgqueue.attempts as attempt
  where attempt.job_id = any(array(select deleted.id from deleted))
),
deleted_logs as (
  delete from pgqueue.logs as line
  where line.job_id = any(array(select deleted.id from deleted))
),
counted as (
  select
    active.*,
    case
      when active.outcome in ('failed', 'timed_out') then least(active.failure_count, 2147483646) + 1
      else active.failure_count
    end as failures,
    case
      when active.outcome = 'lost' then least(active.lost_count, 2147483646) + 1
      when active.outcome = 'interrupted' then active.lost_count
      else 0
    end as losses
  from active
  where not active.is_deletable
),
decided as materialized (
  select
    counted.id,
    counted.attempt,
    counted.worker_id,
    counted.outcome,
    counted.waited_seconds,
    counted.executor,
    counted.result,
    counted.error_type,
    counted.error_message,
    counted.traceback,
    counted.omits_attempt,
    counted.keep_seconds,
    counted.started_at,
    counted.ended_at,
    counted.failures,
    counted.losses,
    case
      when counted.outcome = 'succeeded' then 'succeeded'
      when counted.outcome = 'cancelled' or counted.cancel_requested_at is not null
        then 'cancelled'
      when counted.delivery = 'at_most_once' and counted.waited_seconds is not null
        then 'failed'
      when counted.outcome = 'lost'
        then case when counted.losses < 3 then 'queued' else 'failed' end
      when counted.outcome = 'interrupted' then 'queued'
      when counted.outcome = 'snoozed' or (
        coalesce(counted.retryable, true) and counted.failures < counted.max_attempts
      )
        then case when wait.seconds > 0::float8 then 'scheduled' else 'queued' end
      else 'failed'
    end as status,
    wait.seconds as wait_seconds
  from counted
  cross join lateral (
    select coalesce(
      counted.delay_seconds,
      least(
        counted.backoff_max_seconds,
        counted.backoff_base_seconds * case counted.backoff
          when 'exponential' then power(2::float8, least(counted.failures - 1, 60)::float8)
          when 'linear' then counted.failures::float8
          else 1::float8
        end
      ) * counted.jitter
    ) as seconds
  ) as wait
),
settled as (
  update pgqueue.jobs as job
  set
    status = decided.status,
    failure_count = decided.failures,
    lost_count = decided.losses,
    position = case
      when decided.status = 'queued' then nextval('pgqueue.jobs_position'::regclass)
      else job.position
    end,
    run_at = case
      when decided.status = 'queued' then decided.ended_at
      when decided.status = 'scheduled'
        then decided.ended_at + make_interval(secs => decided.wait_seconds)
      else job.run_at
    end,
    executor = coalesce(decided.executor, job.executor),
    worker_id = case
      when decided.status in ('queued', 'scheduled') then null
      else job.worker_id
    end,
    expires_at = case when decided.waited_seconds is null then job.expires_at end,
    deadline_at = null,
    started_at = decided.started_at,
    finished_at = case
      when decided.status in ('queued', 'scheduled') then null
      else decided.ended_at
    end,
    kept_until = case decided.status
      when 'succeeded' then decided.ended_at + make_interval(secs => decided.keep_seconds)
      when 'cancelled'
        then decided.ended_at + make_interval(secs => greatest(decided.keep_seconds, 86400::float8))
    end,
    result = decided.result,
    error = case
      when decided.status = 'succeeded' then null
      when decided.status = 'failed' and decided.outcome in ('snoozed', 'interrupted')
        then 'NeverStartedTwice: the job is at_most_once and had started'
      else coalesce(
        left(decided.error_type || coalesce(': ' || nullif(decided.error_message, ''), ''), 2000),
        job.error
      )
    end
  from decided
  where job.id = any(array[decided.id])
  returning job.id, job.attempt, job.status
),
recorded as (
  insert into pgqueue.attempts (
    job_id, attempt, worker_id, started_at, finished_at, outcome,
    error_type, error_message, traceback
  )
  select
    decided.id,
    decided.attempt,
    decided.worker_id,
    decided.started_at,
    decided.ended_at,
    decided.outcome,
    decided.error_type,
    decided.error_message,
    decided.traceback
  from decided
  where decided.omits_attempt is not true
    and (
      decided.id in (select settled.id from settled where settled.status <> 'running')
    ) is true
  on conflict (job_id, attempt) do nothing
),
-- The release step stands here.
skipped as materialized (
  select ended.id, ended.attempt, ended.worker_id
  from ended
  where ended.id not in (
    select deleted.id
    from deleted
    union all
    select settled.id
    from settled
  )
)
select
  skipped.id,
  skipped.attempt,
  case
    when skipped.id in (
      select decided.id
      from decided
      union all
      select deletable.id
      from deletable
    )
      then 'refused'
  end as status
from skipped
join pgqueue.jobs as job on job.id = any(array[skipped.id])
where job.status is not distinct from 'running'
  and job.attempt = skipped.attempt
  and job.worker_id = skipped.worker_id
union all
select
  settled.id,
  settled.attempt,
  case settled.status when 'running' then 'refused' else settled.status end
from settled
union all
select deleted.id, deleted.attempt, 'succeeded'
from deleted;
