"""The schema as SQLAlchemy metadata, for reports and for the comparison with the migrations.

The migrations are written by hand; tests/contracts/test_schema.py compares the two.
Functions, views and `schema_version` stand in the migrations alone. No worker imports this.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from pgqueue.store import domains

_NOW = text("clock_timestamp()")

metadata = MetaData(schema="pgqueue")
"""Our tables as the SQL files write them, in `pgqueue`; `Schema.qualify` renames that."""


def _moment(name: str, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **options)


def _identity() -> Column[Any]:
    return Column("id", BigInteger, Identity(always=False), nullable=False)


jobs_position = Sequence("jobs_position", metadata=metadata, data_type=BigInteger)

jobs = Table(
    "jobs",
    metadata,
    _identity(),
    Column("queue", domains.queue_name, nullable=False, server_default="default"),
    Column("task", domains.task_name, nullable=False),
    Column("args", domains.job_args, nullable=False, server_default=text("'{}'")),
    Column("status", domains.job_status, nullable=False, server_default="queued"),
    Column("priority", domains.priority, nullable=False, server_default=text("0")),
    Column(
        "position",
        BigInteger,
        nullable=False,
        server_default=text("nextval('pgqueue.jobs_position')"),
    ),
    Column("run_at", domains.moment, nullable=False, server_default=_NOW),
    Column("executor", domains.executor, nullable=False, server_default="greenlet"),
    Column("delivery", domains.delivery, nullable=False, server_default="at_least_once"),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("failure_count", Integer, nullable=False, server_default=text("0")),
    Column("lost_count", Integer, nullable=False, server_default=text("0")),
    # A job that was lost twice runs alone in its worker.
    Column("quarantined", Boolean, Computed("lost_count >= 2", persisted=True), nullable=False),
    Column("max_attempts", domains.attempt_count, nullable=False, server_default=text("1")),
    Column("backoff", domains.backoff, nullable=False, server_default="exponential"),
    Column(
        "backoff_base_seconds", domains.wait_seconds, nullable=False, server_default=text("2.0")
    ),
    Column(
        "backoff_max_seconds", domains.wait_seconds, nullable=False, server_default=text("3600.0")
    ),
    Column("backoff_jitter", Boolean, nullable=False, server_default=text("true")),
    Column("timeout_seconds", domains.timeout_seconds, server_default=text("3600.0")),
    Column("keep_seconds", domains.keep_seconds, nullable=False, server_default=text("86400.0")),
    _moment("deadline_at"),
    Column("expires_at", domains.moment),
    _moment("kept_until"),
    _moment("cancel_requested_at"),
    Column("worker_id", BigInteger),
    _moment("created_at", nullable=False, server_default=_NOW),
    _moment("started_at"),
    _moment("finished_at"),
    Column("result", JSONB),
    Column("error", Text),
    Column("progress", domains.fraction),
    Column("progress_message", Text),
    Column("unique_key", domains.job_key),
    Column("concurrency_key", domains.job_key),
    Column("ordering_key", domains.job_key),
    Column("tags", domains.tags, nullable=False, server_default=text("'{}'")),
    PrimaryKeyConstraint("id", name="jobs_pkey"),
    # SQLAlchemy 2.0 has no storage parameters of a table, so they are in `info`.
    info={
        "storage": {
            "fillfactor": "70",
            "autovacuum_vacuum_scale_factor": "0.02",
            "autovacuum_vacuum_threshold": "1000",
            "autovacuum_vacuum_insert_scale_factor": "0.1",
            "autovacuum_analyze_scale_factor": "0.05",
            "autovacuum_vacuum_cost_delay": "0",
        }
    },
)

Index(
    "jobs_ready",
    jobs.c.queue,
    jobs.c.executor,
    jobs.c.quarantined,
    text("(- priority)"),
    jobs.c.position,
    postgresql_where=text("status = 'queued'"),
)
Index("jobs_scheduled", jobs.c.run_at, postgresql_where=text("status = 'scheduled'"))
Index(
    "jobs_due",
    text("(- priority)"),
    jobs.c.run_at,
    postgresql_where=text("status = 'scheduled'"),
)
Index("jobs_running", jobs.c.deadline_at, postgresql_where=text("status = 'running'"))
Index(
    "jobs_kept_until",
    jobs.c.kept_until,
    postgresql_where=text(
        "kept_until is not null and status in ('succeeded', 'failed', 'cancelled')"
    ),
)
Index(
    "jobs_expires_at",
    jobs.c.expires_at,
    postgresql_where=text(
        "expires_at is not null and status in ('scheduled', 'queued', 'blocked')"
    ),
)
Index("jobs_failed", jobs.c.finished_at, postgresql_where=text("status = 'failed'"))

attempts = Table(
    "attempts",
    metadata,
    Column("job_id", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("worker_id", BigInteger),
    _moment("started_at"),
    _moment("finished_at", nullable=False, server_default=_NOW),
    Column("outcome", domains.outcome, nullable=False),
    Column("error_type", Text),
    Column("error_message", Text),
    Column("traceback", Text),
    PrimaryKeyConstraint("job_id", "attempt", name="attempts_pkey"),
    info={
        "storage": {
            "autovacuum_vacuum_scale_factor": "0.05",
            "autovacuum_vacuum_cost_delay": "0",
        }
    },
)

logs = Table(
    "logs",
    metadata,
    Column("job_id", BigInteger, nullable=False),
    _identity(),
    Column("attempt", Integer, nullable=False),
    Column("number", Integer),
    _moment("logged_at", nullable=False, server_default=_NOW),
    Column("level", Text, nullable=False),
    Column("logger", Text, nullable=False, server_default=""),
    Column("message", Text, nullable=False),
    PrimaryKeyConstraint("job_id", "id", name="logs_pkey"),
    UniqueConstraint("job_id", "attempt", "number", name="logs_number_key"),
    info={
        "storage": {
            "autovacuum_vacuum_scale_factor": "0.05",
            "autovacuum_vacuum_cost_delay": "0",
        }
    },
)

workers = Table(
    "workers",
    metadata,
    Column("id", BigInteger, autoincrement=False, nullable=False),
    Column("supervisor_id", BigInteger, nullable=False),
    Column("executor", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("quarantine", Boolean, nullable=False, server_default=text("false")),
    Column("host", Text, nullable=False),
    Column("pid", Integer),
    Column("queues", ARRAY(Text), nullable=False),
    _moment("started_at", nullable=False, server_default=_NOW),
    _moment("last_seen_at", nullable=False, server_default=_NOW),
    _moment("lease_until", nullable=False),
    _moment("stopped_at"),
    Column("stop_reason", Text),
    Column("stop_detail", Text),
    Column("overdue_job_id", BigInteger),
    Column("started_job_ids", ARRAY(BigInteger)),
    Column("unknown_tasks", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    PrimaryKeyConstraint("id", name="workers_pkey"),
    CheckConstraint(
        "stop_reason in ('finished', 'stopped', 'died', 'overdue', 'lease_expired')",
        name="workers_stop_reason_check",
    ),
    info={"storage": {"fillfactor": "50"}},
)

Index("workers_live", workers.c.supervisor_id, postgresql_where=text("stopped_at is null"))

supervisors = Table(
    "supervisors",
    metadata,
    Column("id", BigInteger, autoincrement=False, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("queues", ARRAY(Text), nullable=False),
    Column("prefixes", ARRAY(Text), nullable=False),
    Column("slots", Integer, nullable=False),
    Column("busy_slots", Integer, nullable=False, server_default=text("0")),
    Column("run_seconds", Double),
    Column("wants_notify", Boolean, nullable=False, server_default=text("false")),
    _moment("lease_until"),
    _moment("started_at", nullable=False, server_default=_NOW),
    _moment("last_seen_at", nullable=False, server_default=_NOW),
    _moment("stopped_at"),
    PrimaryKeyConstraint("id", name="supervisors_pkey"),
    info={"storage": {"fillfactor": "50"}},
)

Index("supervisors_lease_until", supervisors.c.lease_until)

contact = Table(
    "contact",
    metadata,
    Column("is_only", Boolean, nullable=False, server_default=text("true")),
    _moment("contact_at", nullable=False, server_default=_NOW),
    PrimaryKeyConstraint("is_only", name="contact_pkey"),
    CheckConstraint("is_only", name="contact_is_only_check"),
    info={"storage": {"fillfactor": "50"}},
)

requests = Table(
    "requests",
    metadata,
    _identity(),
    Column("kind", domains.request_kind, nullable=False),
    Column("worker_id", BigInteger, nullable=False),
    Column("job_id", BigInteger),
    Column("attempt", Integer),
    _moment("created_at", nullable=False, server_default=_NOW),
    _moment("answered_at"),
    Column("answer", JSONB),
    PrimaryKeyConstraint("id", name="requests_pkey"),
    info={"storage": {}},
)

Index(
    "requests_open",
    requests.c.worker_id,
    requests.c.job_id,
    requests.c.attempt,
    requests.c.kind,
    unique=True,
    postgresql_where=text("answered_at is null"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("name", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("docstring", Text, nullable=False, server_default=""),
    Column("options", JSONB, nullable=False, server_default=text("'{}'")),
    Column("aliases", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    _moment("recorded_at", nullable=False, server_default=_NOW),
    PrimaryKeyConstraint("name", name="tasks_pkey"),
    info={"storage": {}},
)

wake_ups = Table(
    "wake_ups",
    metadata,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column("supervisor_id", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),
    prefixes=["unlogged"],
    info={"storage": {}},
)
