-- Each job was sent by a producer, and exists once.
-- When: stopped.
select job.key, min(job.id) as id, count(*) as jobs, 'not sent' as why
from chaos.jobs as job
where not exists (select from chaos.sends as send where send.key = job.key)
group by job.key
union all
select job.key, min(job.id), count(*), 'more than one'
from chaos.jobs as job
group by job.key
having count(*) > 1;
