-- Take every right from everybody and from our roles, so that only the grants of the next files
-- count, and keep what the owner creates later from being open to all.
revoke all on schema pgqueue
from public, pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

revoke all on all tables in schema pgqueue
from public, pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

revoke all on all sequences in schema pgqueue
from public, pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

revoke all on all functions in schema pgqueue
from public, pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

-- A temporary table with a column of a domain, or of a table's rows, would make a migration that
-- changes them wait for its session, or fail on it. To read, write and cast takes no right on a
-- type. See test_no_session_can_hold_a_type_of_ours_against_a_migration.
do $$
declare
  schema regnamespace := quote_ident(current_setting('roles.schema'))::regnamespace;
  closed text := (
    select string_agg(format('%I', current_setting('roles.prefix') || '_' || role.name), ', ')
    from unnest(array['producer', 'worker', 'viewer', 'operator']) as role (name)
  );
  type regtype;
begin
  for type in
    select found.oid
    from pg_type as found
    where found.typnamespace = schema
      and found.typtype in ('d', 'c')
  loop
    execute format('revoke all on type %s from public, %s', type, closed);
  end loop;
end
$$;

-- For all schemas: that everybody may execute a function or use a type is no default of a schema,
-- so it cannot be taken back there.
alter default privileges for role pgqueue_owner
revoke execute on functions from public;

alter default privileges for role pgqueue_owner
revoke usage on types from public;

-- Each of them opens the schema, and sees whether it fits the release.
grant usage on schema pgqueue
to pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

grant select on pgqueue.schema_version
to pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;
