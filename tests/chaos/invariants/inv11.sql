-- The rows of a completing transaction exist once for each success, and only then.
-- When: stopped.
select job.id, job.task, job.status, won.attempts, paid.payments
from pgqueue.jobs as job
cross join lateral (
  select count(*) as attempts
  from pgqueue.attempts as attempt
  where attempt.job_id = job.id
    and attempt.outcome = 'succeeded'
) as won
cross join lateral (
  select count(*) as payments
  from chaos.payments as payment
  where payment.job_id = job.id
) as paid
where job.task in ('chaos.tasks.light.paying', 'chaos.tasks.coroutines.apaying')
  and won.attempts <> paid.payments;
