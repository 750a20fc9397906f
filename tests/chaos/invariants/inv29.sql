-- No process of an attempt whose worker was killed works beside the job's next attempt.
--
-- An attempt whose task came to its end, by an exception too, may leave processes behind. A frozen
-- supervisor ends no process, and a frozen worker cannot end its own.
-- When: stopped.
select program.job_id, program.attempt, program.way, program.pid, max(program.at) as until_at,
  later.attempt as later, later.at as from_at
from chaos.programs as program
join chaos.effects as later
  on later.job_id = program.job_id
  and later.attempt > program.attempt
  and later.step = 'started'
where program.at > later.at
  and not exists (
    select
    from chaos.effects as ended
    where ended.job_id = program.job_id
      and ended.attempt = program.attempt
      and ended.step <> 'started'
  )
  and not exists (
    select
    from chaos.effects as started
    join chaos.windows as fault
      on fault.name in ('stop_child', 'stop_supervisor', 'stop_group')
      and fault.from_at < later.at
      and fault.until_at > started.at
    where started.job_id = program.job_id
      and started.attempt = program.attempt
  )
group by program.job_id, program.attempt, program.way, program.pid, later.attempt, later.at;
