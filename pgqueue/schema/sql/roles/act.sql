-- Cancel and retry through functions, which apply the rules; direct writes are not granted.
grant execute on function
  pgqueue.cancel(bigint, text[], integer),
  pgqueue.retry(bigint, text[], integer)
to pgqueue_operator;
