-- Notify the supervisors of workers with open requests, except for the sender. They read the requests
-- at once; a notification of the request itself may have been lost.
--
-- Index: requests_open, which has open requests only; workers_pkey.
-- Locks: none.
select pgqueue.notify(addressed.supervisor_id, 'requests'::text)
from (
  select distinct worker.supervisor_id
  from pgqueue.requests as request
  join pgqueue.workers as worker on worker.id = request.worker_id
  where request.answered_at is null
    and worker.stopped_at is null
    and worker.supervisor_id <> %(sender_id)s::bigint
) as addressed;
