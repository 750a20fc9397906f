-- Sends by the outcome that their producer knows, and the jobs that exist of them.
select
  send.outcome,
  count(*) as sends,
  count(job.id) as jobs
from chaos.sends as send
left join chaos.jobs as job on job.key = send.key
group by send.outcome
order by send.outcome;
