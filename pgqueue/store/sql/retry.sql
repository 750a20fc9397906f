-- Queue jobs again by id, with their charges forgotten.
--
-- Index: jobs_pkey.
-- Locks: the jobs, in the order given, by the function pgqueue.retry, which holds the rule.
-- Answer: queued; null where the job waits already, runs, or is gone.
select asked.id, pgqueue.retry(asked.id)
from unnest(%(ids)s::bigint[]) as asked (id);
