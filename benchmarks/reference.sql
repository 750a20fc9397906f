-- The reference: the leanest one-table design that can serve a worker.
--
-- It has the visible columns of pgqueue, the ready order (queue, priority, position) with a partial
-- index, claims that skip locked jobs and return all columns that a run needs, a fence by worker,
-- and a row for each attempt, written when the attempt is settled.
--
-- It lacks leases, rescue, deadlines, expiry, pruning, and their indexes. It lacks checks of the
-- stored values, retries, cancellation, outcomes other than success, results, errors and logs. It
-- has no claim cursors and no notifications, and it does not run a job.
create sequence reference_position;

create table reference_jobs (
  id bigint generated always as identity primary key,
  queue text not null default 'default',
  task text not null,
  args jsonb not null default '{}',
  status text not null default 'queued',
  priority smallint not null default 0,
  position bigint not null default nextval('reference_position'),
  run_at timestamptz not null default clock_timestamp(),
  executor text not null default 'greenlet',
  delivery text not null default 'at_least_once',
  attempt integer not null default 0,
  failure_count integer not null default 0,
  max_attempts integer not null default 1,
  timeout_seconds double precision default 3600.0,
  keep_seconds double precision not null default 86400.0,
  kept_until timestamptz,
  worker_id bigint,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  result jsonb,
  tags text[] not null default '{}'
) with (
  fillfactor = 85,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);

create index reference_ready on reference_jobs (queue, priority desc, position)
where status = 'queued';

create table reference_attempts (
  job_id bigint not null,
  attempt integer not null,
  worker_id bigint,
  started_at timestamptz,
  finished_at timestamptz not null default clock_timestamp(),
  outcome text not null,
  primary key (job_id, attempt)
);
