-- Cancel and retry, by functions that hold the rule: no column can be written past it.
grant execute on function pgqueue.cancel(bigint), pgqueue.retry(bigint) to pgqueue_operator;
