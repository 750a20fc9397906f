-- No lease is overdue by more than ten seconds: five, and the interval of the service.
-- When: rest.
select worker.id, worker.supervisor_id, worker.pid, worker.lease_until
from pgqueue.workers as worker
where worker.stopped_at is null
  and worker.lease_until < clock_timestamp() - interval '10 seconds';
