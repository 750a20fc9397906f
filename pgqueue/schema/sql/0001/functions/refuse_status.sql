create function pgqueue.refuse_status() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'insufficient_privilege',
    message = 'permission denied to insert a job that is ' || new.status,
    hint = 'A new job is scheduled or queued; workers decide what becomes of it.';
end
$$;
