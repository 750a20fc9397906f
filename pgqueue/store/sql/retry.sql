-- Queue jobs again by id, with their charges forgotten.
--
-- What was picked by a filter comes with what it must still be when it is locked: others may have
-- changed it since it was read, and a job that two persons pick is queued again for one of them.
--
-- Index: jobs_pkey.
-- Locks: the jobs, in the order given, by the function pgqueue.retry, which holds the rule.
-- Answer: queued; null where the job waits already, runs, is gone, or changed.
select asked.id, pgqueue.retry(asked.id, %(statuses)s::text[], asked.attempt)
from unnest(%(ids)s::bigint[], %(attempts)s::integer[]) as asked (id, attempt);
