-- Every log line belongs to an attempt, and the limits of an attempt's log hold.
--
-- The harness sets the limits: 50 lines, and one line that counts the rest.
-- When: stopped.
select line.job_id, line.attempt, count(*) as lines, sum(octet_length(line.message)) as bytes
from pgqueue.logs as line
left join pgqueue.attempts as attempt
  on attempt.job_id = line.job_id
  and attempt.attempt = line.attempt
group by line.job_id, line.attempt
having count(attempt.job_id) = 0
  or count(*) > 51
  or sum(octet_length(line.message)) > 65536;
