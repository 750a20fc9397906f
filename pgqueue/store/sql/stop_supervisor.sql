-- Record that a supervisor has stopped in order. No producer notifies it afterwards.
--
-- Index: supervisors_pkey.
-- Locks: its row.
update pgqueue.supervisors as supervisor
set
  stopped_at = clock_timestamp(),
  busy_slots = 0,
  wants_notify = false,
  lease_until = null
where supervisor.id = %(supervisor_id)s::bigint
  and supervisor.stopped_at is null
returning supervisor.id;
