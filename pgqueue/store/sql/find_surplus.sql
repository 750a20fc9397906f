-- Find jobs with attempts or log lines that nobody needs, among the next jobs that have any: the job
-- was deleted by hand, or it has run more than a thousand times.
--
-- The walk ends at the second null, which `union` drops. The limit ends it earlier.
--
-- Answer: each job, by its id, and whether delete_rows.sql has something to delete.
-- Index: attempts_pkey and logs_pkey, one entry for each job; jobs_pkey.
-- Locks: none.
with recursive visited (id) as (
  select
    least(
      (
        select min(attempt.job_id)
        from pgqueue.attempts as attempt
        where attempt.job_id > %(after_id)s::bigint
      ),
      (select min(line.job_id) from pgqueue.logs as line where line.job_id > %(after_id)s::bigint)
    )
  union
  select
    least(
      (
        select min(attempt.job_id)
        from pgqueue.attempts as attempt
        where attempt.job_id > visited.id
      ),
      (select min(line.job_id) from pgqueue.logs as line where line.job_id > visited.id)
    )
  from visited
),
slice as materialized (
  select visited.id
  from visited
  where visited.id is not null
  limit %(jobs_max)s::int
)
select
  slice.id,
  case
    when job.id is null then true
    else coalesce(
      (
        select min(attempt.attempt)
        from pgqueue.attempts as attempt
        where attempt.job_id = slice.id
      ) <= job.attempt - 1000,
      false
    )
  end as has_surplus
from slice
left join pgqueue.jobs as job on job.id = any(array[slice.id])
order by slice.id;
