-- The tables of the harness: the application's rows, which share a transaction with a job; the
-- history of every job, written by triggers; and the copies of the ledger.
create schema chaos;

-- Written in the transaction that enqueues: a job exists if and only if its order does.
create table chaos.orders (
  key text primary key,
  xid xid8 not null default pg_current_xact_id()
);

-- Written in the transaction that completes a job.
create table chaos.payments (
  key text not null,
  job_id bigint not null,
  attempt integer not null
);

create table chaos.history (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  application text not null default current_setting('application_name'),
  job_id bigint not null,
  key text,
  old_status text,
  new_status text,
  old_attempt integer,
  new_attempt integer,
  old_worker_id bigint,
  new_worker_id bigint,
  new_run_at timestamptz,
  keep_seconds double precision
);
create index on chaos.history (job_id);

create table chaos.log_writes (
  at timestamptz not null default statement_timestamp(),
  application text not null default current_setting('application_name'),
  job_id bigint not null,
  attempt integer not null
);

create function chaos.record_job() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  insert into chaos.history (
    job_id, key, old_status, new_status, old_attempt, new_attempt,
    old_worker_id, new_worker_id, new_run_at, keep_seconds
  )
  values (
    coalesce(new.id, old.id),
    coalesce(new.args, old.args) ->> 'key',
    old.status, new.status, old.attempt, new.attempt,
    old.worker_id, new.worker_id, new.run_at, coalesce(new.keep_seconds, old.keep_seconds)
  );
  return null;
end
$$;
create trigger record after insert or update or delete on pgqueue.jobs
for each row execute function chaos.record_job();

create function chaos.record_log() returns trigger language plpgsql as $$
begin
  insert into chaos.log_writes (job_id, attempt) values (new.job_id, new.attempt);
  return null;
end
$$;
create trigger record after insert on pgqueue.logs
for each row execute function chaos.record_log();

-- The copies of the ledger's files.
create table chaos.sends (
  at timestamptz not null,
  key text not null,
  task text not null,
  outcome text not null,
  due_at timestamptz
);

create table chaos.effects (
  at timestamptz not null,
  key text not null,
  job_id bigint not null,
  attempt integer not null,
  pid integer not null,
  step text not null
);

-- The processes that tasks have started.
create table chaos.programs (
  at timestamptz not null,
  job_id bigint not null,
  attempt integer not null,
  pid integer not null,
  way text not null,
  step text not null
);

-- Those that went on after the end of their worker.
create table chaos.outlived (
  at timestamptz not null,
  worker_pid integer not null,
  pid integer not null,
  seconds double precision not null,
  command text not null
);

create table chaos.faults (
  at timestamptz not null,
  number integer not null,
  name text not null,
  step text not null,
  facts jsonb not null
);

-- Every job of the run, also the jobs that were deleted at their success (keep = 0).
create view chaos.jobs as
select job.id, job.args ->> 'key' as key, job.task, job.status, job.attempt, false as is_gone
from pgqueue.jobs as job
union all
select
  past.job_id,
  past.key,
  send.task,
  case
    when past.keep_seconds = 0 and past.old_status = 'running' then 'succeeded' else 'deleted'
  end,
  past.old_attempt,
  true
from chaos.history as past
left join chaos.sends as send on send.key = past.key
where past.new_status is null;

-- Jobs that a person (the nemesis) retried; these may succeed a second time.
create view chaos.retried as
select distinct job.id::bigint as job_id
from chaos.faults as fault
cross join lateral jsonb_array_elements_text(fault.facts -> 'ids') as job (id)
where fault.name = 'retry_jobs';

-- Each fault with its beginning and its end.
create view chaos.windows as
select
  fault.number,
  fault.name,
  min(fault.at) as from_at,
  max(fault.at) as until_at,
  coalesce(max(fault.facts ->> 'pids'), '[]')::jsonb as pids
from chaos.faults as fault
where fault.step <> 'skipped'
group by fault.number, fault.name;
