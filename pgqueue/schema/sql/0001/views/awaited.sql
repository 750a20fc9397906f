-- Which queues somebody waits for, without saying who: every producer reads it.
create view pgqueue.awaited as
select watch.queues, watch.prefixes
from pgqueue.watches as watch
where watch.wants_notify
  and watch.until > clock_timestamp();
