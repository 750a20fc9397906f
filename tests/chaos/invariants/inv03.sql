-- A job exists if and only if the order of its transaction exists, also after an unknown COMMIT.
--
-- The order is the application's own row in the transaction of the job. The status of the
-- transaction is checked too, where PostgreSQL knows it. It proves nothing alone: after a crash,
-- PostgreSQL may reuse an id that never reached the disk.
-- When: stopped.
select send.key, send.task, send.outcome, placed.xid, job.id
from chaos.sends as send
left join chaos.orders as placed on placed.key = send.key
left join chaos.jobs as job on job.key = send.key
where (placed.key is null) <> (job.id is null)
  or pg_xact_status(placed.xid) <> 'committed';
