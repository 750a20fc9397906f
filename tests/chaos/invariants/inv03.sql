-- A job exists if and only if the order of its transaction does, the unknown ones too.
--
-- The order is the application's own row of the same transaction. PostgreSQL's word for the
-- transaction is asked as well, where it gives one: after a crash an id that never reached the
-- disk may be used again, so `committed` alone proves nothing.
-- When: stopped.
select send.key, send.task, send.outcome, placed.xid, job.id
from chaos.sends as send
left join chaos.orders as placed on placed.key = send.key
left join chaos.jobs as job on job.key = send.key
where (placed.key is null) <> (job.id is null)
  or pg_xact_status(placed.xid) <> 'committed';
