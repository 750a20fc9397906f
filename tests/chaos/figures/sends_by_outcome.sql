-- What became of the sends, by the producers' own knowledge; of the unknown, how many were made.
select
  send.outcome,
  count(*) as sends,
  count(job.id) as jobs
from chaos.sends as send
left join chaos.jobs as job on job.key = send.key
group by send.outcome
order by send.outcome;
