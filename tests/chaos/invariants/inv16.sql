-- No job is started, or becomes ready, before it is due.
-- When: stopped.
select past.job_id, past.at, past.new_run_at as due_at, past.new_status as became
from chaos.history as past
where past.new_status in ('queued', 'running')
  and past.new_run_at > past.at
union all
select effect.job_id, effect.at, send.due_at, 'started'
from chaos.effects as effect
join chaos.sends as send on send.key = effect.key
where send.due_at > effect.at
  and effect.job_id not in (select retried.job_id from chaos.retried as retried);
