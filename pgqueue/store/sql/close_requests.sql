-- Close requests whose attempt is over; they keep an empty answer.
--
-- Index: requests_pkey.
-- Locks: the requests.
update pgqueue.requests as request
set answered_at = clock_timestamp()
where request.id = any(%(ids)s::bigint[])
  and request.answered_at is null
returning request.id;
