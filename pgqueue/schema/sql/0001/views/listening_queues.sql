-- The supervisors that want notifications. Every producer reads this view, and learns of a supervisor
-- only its random id, its queues, its slots and whether it is full.
--
-- A full supervisor had a job in each slot at its last renewal, or wants no worker because it stops.
--
-- Index: supervisors_lease_until, so that rows of supervisors that ended cost a producer nothing.
create view pgqueue.listening_queues as
select
  supervisor.id as supervisor_id,
  supervisor.queues,
  supervisor.prefixes,
  supervisor.slots,
  supervisor.busy_slots >= supervisor.slots as is_full
from pgqueue.supervisors as supervisor
where supervisor.wants_notify
  and supervisor.lease_until > (select clock_timestamp());
