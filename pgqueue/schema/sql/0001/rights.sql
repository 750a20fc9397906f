-- PostgreSQL lets everybody execute a new function; `pgqueue migrate --roles` grants the right.
revoke all on all functions in schema pgqueue from public;
