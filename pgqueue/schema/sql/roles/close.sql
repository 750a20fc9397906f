-- Revoke every right of PUBLIC and of our roles, so that only the grants of the next files count.
-- Objects that the owner creates later are not open to all roles either.
revoke all on schema pgqueue
from public, pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

revoke all on all tables in schema pgqueue
from public, pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

revoke all on all sequences in schema pgqueue
from public, pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

revoke all on all functions in schema pgqueue
from public, pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

-- A temporary table with a column of a domain, or of a table's rows, would make a migration that
-- changes them wait for its session, or fail. Reads, writes and casts need no right on a type.
-- See test_no_session_can_hold_a_type_of_ours_against_a_migration.
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

-- For all schemas: the rights of PUBLIC to execute a function and to use a type are no defaults of a
-- schema, so they cannot be revoked there.
alter default privileges for role pgqueue_owner
revoke execute on functions from public;

alter default privileges for role pgqueue_owner
revoke usage on types from public;

-- Each role may use the schema, and read whether it fits the release.
grant usage on schema pgqueue
to pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

grant select on pgqueue.schema_version
to pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;
