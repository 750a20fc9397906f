-- Cancel and retry, by functions that have the rule: nobody can write past it.
grant execute on function
  pgqueue.cancel(bigint, text[], integer),
  pgqueue.retry(bigint, text[], integer)
to pgqueue_operator;
