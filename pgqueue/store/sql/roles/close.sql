-- Take every right from everybody and from our roles, so that only what the next files give
-- holds, and keep what the owner creates later from being open to all.
revoke all on schema pgqueue
from public, pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

revoke all on all tables in schema pgqueue
from public, pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

revoke all on all sequences in schema pgqueue
from public, pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

revoke all on all functions in schema pgqueue
from public, pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

-- For all schemas: that everybody may execute a function is no default of a schema, so it
-- cannot be taken back there.
alter default privileges for role pgqueue_owner
revoke execute on functions from public;

-- Each of them opens the schema, and sees whether it fits the release.
grant usage on schema pgqueue
to pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;

grant select on pgqueue.schema_version
to pgqueue_producer, pgqueue_worker, pgqueue_viewer, pgqueue_operator;
