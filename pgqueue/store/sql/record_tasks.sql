-- Record the tasks that a worker loaded: who enqueues by name takes their options from here.
--
-- Index: tasks_pkey.
-- Locks: the tasks' rows, in name order; rows that say the same already are not written.
insert into pgqueue.tasks as task (name, signature, docstring, options, aliases)
select told.name, told.signature, told.docstring, told.options, told.aliases
from json_to_recordset(%(tasks)s::json) as told (
  name text,
  signature text,
  docstring text,
  options jsonb,
  aliases text[]
)
order by told.name
on conflict (name) do update
set
  signature = excluded.signature,
  docstring = excluded.docstring,
  options = excluded.options,
  aliases = excluded.aliases,
  recorded_at = clock_timestamp()
where (task.signature, task.docstring, task.options, task.aliases)
  is distinct from (excluded.signature, excluded.docstring, excluded.options, excluded.aliases);
