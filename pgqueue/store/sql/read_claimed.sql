-- Read attempts that a worker runs, in the shape of a claim's answer, in the order of the lists.
--
-- A worker that lost the reply to a claim reads here what it claimed, up to a number of bytes, and at
-- least the first attempt: the reply may have been lost because it was large.
--
-- Index: jobs_pkey, by lists of one as in settle.sql.
-- Locks: none.
with wanted as materialized (
  select key.id, key.attempt
  from unnest(%(ids)s::bigint[], %(attempts)s::integer[]) as key (id, attempt)
),
measured as (
  select
    job.id,
    row_number() over (rows unbounded preceding) as found,
    sum(
      case
        when pg_column_compression(job.args) is null then pg_column_size(job.args)
        else octet_length(job.args::text)
      end
    ) over (rows unbounded preceding) as args_bytes
  from wanted
  join pgqueue.jobs as job on job.id = any(array[wanted.id])
  where job.attempt = wanted.attempt
    and job.worker_id = %(worker_id)s::bigint
    and job.status is not distinct from 'running'
),
affordable as materialized (
  select measured.id
  from measured
  where measured.found = 1
    or measured.args_bytes <= %(args_bytes_max)s::bigint
)
select
  job.id,
  job.attempt,
  job.worker_id,
  job.task,
  job.args::text,
  job.queue,
  job.timeout_seconds,
  job.priority,
  job.position
from affordable
join pgqueue.jobs as job on job.id = any(array[affordable.id]);
