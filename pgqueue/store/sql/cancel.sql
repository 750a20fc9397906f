-- Cancel jobs by id: waiting ones at once, running ones by asking their worker.
--
-- Index: jobs_pkey.
-- Locks: the jobs, in the order given, by the function pgqueue.cancel, which holds the rule.
-- Answer: the status each job has now; null where it was final already, or is gone.
select asked.id, pgqueue.cancel(asked.id)
from unnest(%(ids)s::bigint[]) as asked (id);
