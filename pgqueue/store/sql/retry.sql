-- Queue jobs again by id, with their counts of failures and losses set to 0.
--
-- A job that a filter selected comes with the status and attempt that it must still have: another
-- session may have changed it since, and of two persons who select a job one acts on it.
--
-- Index: jobs_pkey.
-- Locks: the jobs, in the order given, by the function pgqueue.retry, which has the rule.
-- Answer: queued; null where the job waits already, runs or is gone, or changed.
select wanted.id, pgqueue.retry(wanted.id, %(statuses)s::text[], wanted.attempt)
from unnest(%(ids)s::bigint[], %(attempts)s::integer[]) as wanted (id, attempt);
