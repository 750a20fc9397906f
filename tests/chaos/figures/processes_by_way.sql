-- The forks, processes and programs of tasks; the others ended with their worker, or by a fault.
with process as (
  select
    program.job_id,
    program.attempt,
    program.pid,
    program.way,
    bool_or(program.step = 'ended') as has_ended
  from chaos.programs as program
  group by program.job_id, program.attempt, program.pid, program.way
)
select
  process.way,
  count(*) as processes,
  count(*) filter (where process.has_ended) as to_their_end,
  count(*) filter (where not process.has_ended) as killed
from process
group by process.way
order by process.way;
