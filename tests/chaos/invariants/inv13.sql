-- A worker writes nothing for an attempt that is settled or belongs to another worker.
--
-- A log line is written without a lock, so it may arrive just after the end of its attempt. No
-- statement may write one that begins more than two seconds after that end. An end that a task
-- wrote in its own transaction becomes visible at an unknown moment, and is not checked.
-- When: stopped.
select past.job_id, past.old_attempt as attempt, past.application, past.at
from chaos.history as past
where past.application like 'pgqueue finisher %'
  and (
    past.old_status <> 'running'
    or past.old_worker_id <> substring(past.application from '\d+$')::bigint
  )
union all
select line.job_id, line.attempt, line.application, line.at
from chaos.log_writes as line
join chaos.history as past
  on past.job_id = line.job_id
  and past.old_attempt = line.attempt
  and past.old_status = 'running'
  and past.new_status is distinct from 'running'
  and past.application like 'pgqueue %'
where line.at > past.at + interval '2 seconds';
