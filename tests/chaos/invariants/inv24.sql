-- Stopped supervisors leave no session, no lock, no lease and no running job.
-- When: stopped.
select 'session' as what, session.application_name as name, session.state
from pg_stat_activity as session
where session.backend_type = 'client backend'
  and session.datname = current_database()
  and session.application_name like 'pgqueue %'
union all
select 'advisory lock', lock.pid::text, lock.mode
from pg_locks as lock
where lock.locktype = 'advisory'
  and lock.database = (select db.oid from pg_database as db where db.datname = current_database())
union all
select 'worker', worker.id::text, worker.lease_until::text
from pgqueue.workers as worker
where worker.stopped_at is null
union all
select 'running job', job.id::text, job.task
from pgqueue.jobs as job
where job.status = 'running'
union all
select 'notifications', pg_notification_queue_usage()::text, null
where pg_notification_queue_usage() > 0.01;
