-- Take an id for a supervisor that starts.
--
-- Index: none; a sequence.
-- Locks: none.
select nextval('pgqueue.supervisor_id');
