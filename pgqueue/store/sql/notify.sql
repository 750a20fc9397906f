-- Wake the supervisors that listen, when the caller's transaction commits.
--
-- Index: none.
-- Locks: none before the commit.
select pg_notify('pgqueue.jobs', '');
