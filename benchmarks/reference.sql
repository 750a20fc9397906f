create table reference_jobs (
  id bigint generated always as identity primary key,
  queue text not null default 'default',
  task text not null,
  args jsonb not null default '{}',
  status text not null default 'queued',
  priority smallint not null default 0,
  run_at timestamptz not null default clock_timestamp(),
  attempt integer not null default 0,
  worker_id bigint,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);

create index reference_ready on reference_jobs (queue, priority desc, id) where status = 'queued';

create table reference_attempts (
  job_id bigint not null,
  attempt integer not null,
  worker_id bigint,
  started_at timestamptz,
  finished_at timestamptz not null default clock_timestamp(),
  outcome text not null,
  primary key (job_id, attempt)
);
