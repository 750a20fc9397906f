-- Settle ended attempts: what each outcome does to its job, decided here and nowhere else.
--
--   succeeded              succeeded; the row is deleted when keep_seconds is 0
--   failed, timed_out      charged; scheduled again after the row's backoff while charges stay
--                          below max_attempts and the error counts as retryable, else failed
--   lost                   counted apart; queued again, the third in a row ends it failed
--   interrupted            queued again, due at once, never charged
--   snoozed                scheduled again after the given delay, never charged
--   cancelled              cancelled; kept for a day at least
--
-- A started at_most_once job is never started again: whatever but success or cancellation
-- befell it, it ends failed, for a person. A cancel asked for while it ran wins over every
-- outcome but success.
--
-- A count at its maximum stays there, and an attempt whose row is there already (both of a
-- restored or hand-made table) leaves that row as it is: neither keeps a job from its end.
--
-- Successes are most of the ends: those without a result come as arrays, which are read faster than
-- JSON, and none of them passes through the decisions that the other ends need.
--
-- Index: jobs_pkey finds the rows; attempts_pkey is written. The status is asked for by "is not
--        distinct", which no partial index answers: that of running jobs looks as good as the key
--        while it is small, and holds dead entries without end under an old snapshot. Keys are
--        asked for by "= any(array[...])": by "=" the planner may read all of a table that is small,
--        in the order of the key, and goes on to when it has grown.
-- Locks: the jobs. What somebody else has locked is left for another time, so that one open
--        transaction holds up one job; as nothing is waited for, they need no order. One that is
--        to be deleted is locked as such, which a row of the application's that refers to it and
--        is not committed yet keeps from us.
-- Fence: (id, attempt, worker_id) on a running row. An attempt that is not returned had been
--        taken away: its lease was lost, and nothing is written for it.
-- Answer: the new status of each; null for an attempt that was locked, and is held still.
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
    null::text as traceback
  from unnest(
    %(ids)s::bigint[],
    %(attempts)s::integer[],
    %(worker_ids)s::bigint[],
    %(waited_seconds)s::float8[]
  ) as success (id, attempt, worker_id, waited_seconds)
  union all
  select told.*
  from json_to_recordset(%(ended)s::json) as told (
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
    traceback text
  )
),
held as materialized (
  select
    ended.id,
    ended.attempt,
    ended.worker_id,
    ended.outcome,
    ended.retryable,
    ended.delay_seconds,
    ended.waited_seconds,
    ended.executor,
    ended.result,
    ended.error_type,
    ended.error_message,
    ended.traceback,
    job.delivery,
    job.failure_count,
    job.lost_count,
    job.max_attempts,
    job.cancel_requested_at,
    job.backoff,
    job.backoff_base_seconds,
    job.backoff_max_seconds,
    job.backoff_jitter,
    job.keep_seconds,
    job.started_at + make_interval(secs => ended.waited_seconds) as started_at,
    clock_timestamp() as ended_at,
    (ended.outcome, job.keep_seconds) = ('succeeded', 0::float8) as is_forgotten
  from ended
  join pgqueue.jobs as job on job.id = any(array[ended.id])
  where job.status is not distinct from 'running'
    and job.attempt = ended.attempt
    and job.worker_id = ended.worker_id
  for no key update of job skip locked
),
succeeded as (
  update pgqueue.jobs as job
  set
    status = 'succeeded',
    lost_count = 0,
    expires_at = null,
    deadline_at = null,
    started_at = held.started_at,
    finished_at = held.ended_at,
    kept_until = held.ended_at + make_interval(secs => held.keep_seconds),
    result = held.result,
    error = null
  from held
  where job.id = any(array[held.id])
    and held.outcome = 'succeeded'
    and not held.is_forgotten
  returning
    job.id,
    job.attempt,
    job.worker_id,
    job.started_at,
    job.finished_at,
    held.error_type,
    held.error_message,
    held.traceback
),
erasable as materialized (
  select job.id
  from pgqueue.jobs as job
  where job.id = any(array(select held.id from held where held.is_forgotten))
  for update of job skip locked
),
forgotten as (
  delete from pgqueue.jobs as job
  where job.id = any(array(select erasable.id from erasable))
  returning job.id, job.attempt
),
forgotten_attempts as (
  delete from pgqueue.attempts as attempt
  where attempt.job_id = any(array(select forgotten.id from forgotten))
),
forgotten_logs as (
  delete from pgqueue.logs as line
  where line.job_id = any(array(select forgotten.id from forgotten))
),
passed_over as materialized (
  select ended.id, ended.attempt, ended.worker_id
  from ended
  where ended.id not in (
    select held.id
    from held
    where not held.is_forgotten
    union all
    select forgotten.id
    from forgotten
  )
),
charged as (
  select
    held.*,
    least(held.failure_count, 2147483646)
      + (held.outcome in ('failed', 'timed_out'))::integer as failures,
    case
      when held.outcome = 'lost' then least(held.lost_count, 2147483646) + 1
      when held.outcome = 'interrupted' then held.lost_count
      else 0
    end as losses
  from held
  where held.outcome <> 'succeeded'
),
decided as materialized (
  select
    charged.*,
    case
      when charged.outcome = 'cancelled' or charged.cancel_requested_at is not null
        then 'cancelled'
      when charged.delivery = 'at_most_once' and charged.waited_seconds is not null
        then 'failed'
      when charged.outcome = 'lost'
        then case when charged.losses < 3 then 'queued' else 'failed' end
      when charged.outcome = 'interrupted' then 'queued'
      when charged.outcome = 'snoozed' or (
        coalesce(charged.retryable, true) and charged.failures < charged.max_attempts
      )
        then case when wait.seconds > 0::float8 then 'scheduled' else 'queued' end
      else 'failed'
    end as status,
    wait.seconds as wait_seconds
  from charged
  cross join lateral (
    select coalesce(
      charged.delay_seconds,
      least(
        charged.backoff_max_seconds,
        charged.backoff_base_seconds * case charged.backoff
          when 'exponential' then power(2::float8, least(charged.failures - 1, 60)::float8)
          when 'linear' then charged.failures::float8
          else 1::float8
        end
      ) * case when charged.backoff_jitter then 0.5::float8 + 0.5::float8 * random() else 1 end
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
    kept_until = case
      when decided.status = 'cancelled'
        then decided.ended_at + make_interval(secs => greatest(decided.keep_seconds, 86400::float8))
    end,
    result = decided.result,
    error = case
      when decided.status = 'failed' and decided.outcome in ('snoozed', 'interrupted')
        then 'NeverStartedTwice: the job is at_most_once and had started'
      else coalesce(
        left(decided.error_type || coalesce(': ' || nullif(decided.error_message, ''), ''), 2000),
        job.error
      )
    end
  from decided
  where job.id = any(array[decided.id])
),
recorded as (
  insert into pgqueue.attempts (
    job_id, attempt, worker_id, started_at, finished_at, outcome,
    error_type, error_message, traceback
  )
  select
    succeeded.id,
    succeeded.attempt,
    succeeded.worker_id,
    succeeded.started_at,
    succeeded.finished_at,
    'succeeded',
    succeeded.error_type,
    succeeded.error_message,
    succeeded.traceback
  from succeeded
  union all
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
  on conflict (job_id, attempt) do nothing
)
select passed_over.id, passed_over.attempt, null as status
from passed_over
join pgqueue.jobs as job on job.id = any(array[passed_over.id])
where job.status is not distinct from 'running'
  and job.attempt = passed_over.attempt
  and job.worker_id = passed_over.worker_id
union all
select decided.id, decided.attempt, decided.status
from decided
union all
select forgotten.id, forgotten.attempt, 'succeeded'
from forgotten
union all
select held.id, held.attempt, 'succeeded'
from held
where held.outcome = 'succeeded'
  and not held.is_forgotten;
