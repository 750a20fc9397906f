-- Cancel jobs by id: waiting ones at once, running ones by a request to their worker.
--
-- A job that a filter selected comes with the status and attempt that it must still have: another
-- session may have changed it since, and of two persons who select a job one acts on it.
--
-- Index: jobs_pkey.
-- Locks: the jobs, in the order given, by the function pgqueue.cancel, which has the rule.
-- Answer: the status each job has now; null where it was final already, is gone, or changed.
select wanted.id, pgqueue.cancel(wanted.id, %(statuses)s::text[], wanted.attempt)
from unnest(%(ids)s::bigint[], %(attempts)s::integer[]) as wanted (id, attempt);
