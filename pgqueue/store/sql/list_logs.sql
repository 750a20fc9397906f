-- List log lines of one job after a given one, oldest first.
--
-- Index: logs_pkey (job_id, id).
-- Locks: none.
select line.id, line.job_id, line.attempt, line.logged_at, line.level, line.logger, line.message
from pgqueue.logs as line
where line.job_id = %(job_id)s::bigint
  and line.id > %(after)s::bigint
order by line.id
limit %(lines_max)s::int;
