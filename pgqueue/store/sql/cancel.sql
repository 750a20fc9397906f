-- Cancel jobs by id: waiting ones at once, running ones by asking their worker.
--
-- What was picked by a filter comes with what it must still be when it is locked: others may have
-- changed it since it was read, and a job that two persons pick is cancelled for one of them.
--
-- Index: jobs_pkey.
-- Locks: the jobs, in the order given, by the function pgqueue.cancel, which holds the rule.
-- Answer: the status each job has now; null where it was final already, is gone, or changed.
select asked.id, pgqueue.cancel(asked.id, %(statuses)s::text[], asked.attempt)
from unnest(%(ids)s::bigint[], %(attempts)s::integer[]) as asked (id, attempt);
