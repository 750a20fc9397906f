-- Queues and prefixes whose supervisors want notifications. Every producer reads this view, and
-- none learns from it which supervisors there are.
--
-- Index: supervisors_notify_until, so that rows of supervisors that ended cost a producer nothing.
create view pgqueue.listening_queues as
select supervisor.queues, supervisor.prefixes
from pgqueue.supervisors as supervisor
where supervisor.wants_notify
  and supervisor.notify_until > (select clock_timestamp());
