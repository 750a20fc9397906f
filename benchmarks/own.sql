-- The claim and the settlement of pgqueue as functions, as pgbench cannot pass rows to a statement.
--
-- A worker sends each in a transaction of its own, and so does pgbench. The claim has no cursor.
create function bench_claim(_worker bigint, _batch integer, out ids bigint[], out attempts integer[])
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_bitmapscan = off
set enable_sort = off
as $function$
declare
  _row record;
begin
  ids := '{{}}';
  attempts := '{{}}';
  for _row in
    {claim}
  loop
    if _row.id is not null then
      ids := ids || _row.id;
      attempts := attempts || _row.attempt;
    end if;
  end loop;
end
$function$;

create function bench_settle(_worker bigint, _ids bigint[], _attempts integer[]) returns integer
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $function$
declare
  _row record;
  _count integer := 0;
  _is_done boolean := false;
begin
  -- A concurrent claim may briefly lock jobs that this client has claimed, and a settlement skips
  -- locked jobs. Settle again until no job was skipped, as a worker does.
  while not _is_done loop
    _is_done := true;
    for _row in
      {settle}
    loop
      _count := _count + 1;
      _is_done := _is_done and _row.status is not null;
    end loop;
  end loop;
  return _count;
end
$function$;

insert into pgqueue.workers (id, supervisor_id, executor, slots, host, queues, lease_until)
select n, 0, 'greenlet', 1, 'bench', array['default'], 'infinity'
from generate_series(0, 9) as n;
