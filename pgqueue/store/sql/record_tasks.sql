-- Record the tasks that a worker loaded; an enqueue by name takes the options of its task from here.
--
-- Index: tasks_pkey.
-- Locks: the tasks' rows, in name order; unchanged rows are not written.
insert into pgqueue.tasks as task (name, signature, docstring, options, aliases)
select entry.name, entry.signature, entry.docstring, entry.options, entry.aliases
from json_to_recordset(%(tasks)s::json) as entry (
  name text,
  signature text,
  docstring text,
  options jsonb,
  aliases text[]
)
order by entry.name
on conflict (name) do update
set
  signature = excluded.signature,
  docstring = excluded.docstring,
  options = excluded.options,
  aliases = excluded.aliases,
  recorded_at = clock_timestamp()
where (task.signature, task.docstring, task.options, task.aliases)
  is distinct from (excluded.signature, excluded.docstring, excluded.options, excluded.aliases);
