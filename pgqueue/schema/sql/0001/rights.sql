-- PostgreSQL lets all roles execute a new function. `pgqueue migrate --roles` grants that right.
revoke all on all functions in schema pgqueue from public;
