-- Cancel and retry, by functions that hold the rule: no column can be written past it.
grant execute on function
  pgqueue.cancel(bigint, text[], integer),
  pgqueue.retry(bigint, text[], integer)
to pgqueue_operator;
