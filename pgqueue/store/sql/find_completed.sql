-- Find the attempts that the task's own transaction has recorded as succeeded.
--
-- A worker asks after `settle` left the attempts out of its answer: the transaction committed, or it
-- was rolled back and the lease was lost. With keep_seconds = 0 a success deletes its job, so an
-- attempt whose job is gone counts as succeeded.
--
-- Index: jobs_pkey.
-- Locks: none.
select completed.id, completed.attempt
from unnest(%(ids)s::bigint[], %(attempts)s::integer[]) as completed (id, attempt)
left join pgqueue.jobs as job on job.id = any(array[completed.id])
where job.id is null
  or (
    job.status is not distinct from 'succeeded'
    and job.attempt = completed.attempt
  );
