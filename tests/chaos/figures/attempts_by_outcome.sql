-- How attempts ended.
select attempt.outcome, count(*) as attempts
from pgqueue.attempts as attempt
group by attempt.outcome
order by attempt.outcome;
