-- Read everything, also objects of later releases; write nothing.
grant select on all tables in schema pgqueue to pgqueue_viewer, pgqueue_operator;

alter default privileges for role pgqueue_owner in schema pgqueue
grant select on tables to pgqueue_viewer, pgqueue_operator;
