-- List the last log lines of one job, oldest first.
--
-- Index: logs_pkey (job_id, id), backwards.
-- Locks: none.
with last as (
  select line.id, line.job_id, line.attempt, line.logged_at, line.level, line.logger, line.message
  from pgqueue.logs as line
  where line.job_id = %(job_id)s::bigint
  order by line.id desc
  limit %(lines_max)s::int
)
select last.id, last.job_id, last.attempt, last.logged_at, last.level, last.logger, last.message
from last
order by last.id;
