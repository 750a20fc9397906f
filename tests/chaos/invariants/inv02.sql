-- A rolled-back enqueue left nothing.
-- When: stopped.
select send.key, send.task, 'job' as left_behind
from chaos.sends as send
where send.outcome = 'rolled_back'
  and exists (select from chaos.jobs as job where job.key = send.key)
union all
select send.key, send.task, 'effect'
from chaos.sends as send
where send.outcome = 'rolled_back'
  and exists (select from chaos.effects as effect where effect.key = send.key)
union all
select send.key, send.task, 'order'
from chaos.sends as send
where send.outcome = 'rolled_back'
  and exists (select from chaos.orders as placed where placed.key = send.key);
