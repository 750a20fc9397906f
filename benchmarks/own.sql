-- The claim and the settlement of pgqueue as functions, for pgbench, which cannot hand rows on.
--
-- Each is one call in a transaction of its own, as a worker sends it, without a place to begin from.
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
  _is_over boolean := false;
begin
  -- Another claim locks for its moment what this one has claimed since that one's snapshot, and a
  -- settlement passes over what is locked; a worker asks again, too.
  while not _is_over loop
    _is_over := true;
    for _row in
      {settle}
    loop
      _count := _count + 1;
      _is_over := _is_over and _row.status is not null;
    end loop;
  end loop;
  return _count;
end
$function$;

insert into pgqueue.workers (id, supervisor_id, executor, slots, host, queues, lease_until)
select n, 0, 'greenlet', 1, 'bench', array['default'], 'infinity'
from generate_series(0, 9) as n;
