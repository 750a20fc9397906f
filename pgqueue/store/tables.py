"""The schema as SQLAlchemy metadata: the source of truth for reports and for what a database holds.

The migrations are written by hand and must come out equal (tests/contracts/test_schema.py).
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
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

_NOW = text("clock_timestamp()")

metadata = MetaData(schema="pgqueue")
"""Our tables as the SQL files write them, in `pgqueue`; `Schema.qualify` renames that."""


def _moment(name: str, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **options)


def _identity() -> Column[Any]:
    return Column("id", BigInteger, Identity(always=False), nullable=False)


jobs_position = Sequence("jobs_position", metadata=metadata, data_type=BigInteger)
supervisor_id = Sequence("supervisor_id", metadata=metadata, data_type=BigInteger)

jobs = Table(
    "jobs",
    metadata,
    _identity(),
    Column("queue", Text, nullable=False, server_default="default"),
    Column("task", Text, nullable=False),
    Column("args", JSONB, nullable=False, server_default=text("'{}'")),
    Column("status", Text, nullable=False, server_default="queued"),
    Column("priority", SmallInteger, nullable=False, server_default=text("0")),
    Column(
        "position",
        BigInteger,
        nullable=False,
        server_default=text("nextval('pgqueue.jobs_position')"),
    ),
    _moment("run_at", nullable=False, server_default=_NOW),
    Column("executor", Text, nullable=False, server_default="greenlet"),
    Column("delivery", Text, nullable=False, server_default="at_least_once"),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("failure_count", Integer, nullable=False, server_default=text("0")),
    Column("lost_count", Integer, nullable=False, server_default=text("0")),
    # The third try of a job that cost two workers runs with nothing beside it.
    Column("quarantined", Boolean, Computed("lost_count >= 2", persisted=True), nullable=False),
    Column("max_attempts", Integer, nullable=False, server_default=text("1")),
    Column("backoff", Text, nullable=False, server_default="exponential"),
    Column("backoff_base_seconds", Double, nullable=False, server_default=text("2.0")),
    Column("backoff_max_seconds", Double, nullable=False, server_default=text("3600.0")),
    Column("backoff_jitter", Boolean, nullable=False, server_default=text("true")),
    Column("timeout_seconds", Double, server_default=text("3600.0")),
    Column("keep_seconds", Double, nullable=False, server_default=text("86400.0")),
    _moment("deadline_at"),
    _moment("expires_at"),
    _moment("kept_until"),
    _moment("cancel_requested_at"),
    Column("worker_id", BigInteger),
    _moment("created_at", nullable=False, server_default=_NOW),
    _moment("started_at"),
    _moment("finished_at"),
    Column("result", JSONB),
    Column("error", Text),
    Column("progress", Double),
    Column("progress_message", Text),
    Column("unique_key", Text),
    Column("concurrency_key", Text),
    Column("ordering_key", Text),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    PrimaryKeyConstraint("id", name="jobs_pkey"),
    CheckConstraint("char_length(queue) between 1 and 200", name="jobs_queue_check"),
    CheckConstraint("char_length(task) between 1 and 500", name="jobs_task_check"),
    CheckConstraint("jsonb_typeof(args) = 'object'", name="jobs_args_check"),
    # What no Python could read back, or what would make a claim as large as a disk: refused
    # where a row begins, so that a claim, which writes out the arguments of many, cannot fail.
    # Of a claimed row they are not looked at again, which an update of it would pay for.
    CheckConstraint(
        "attempt > 0 or not jsonb_path_exists("
        """args, 'strict $.**{64} ? (@.type() == "array" || @.type() == "object")')""",
        name="jobs_args_depth_check",
    ),
    CheckConstraint(
        """attempt > 0 or not jsonb_path_exists(args, 'strict $.** ? (@.type() == "number" """
        "&& (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308))')",
        name="jobs_args_numbers_check",
    ),
    CheckConstraint(
        "attempt > 0 or octet_length(args::text) <= 2097152", name="jobs_args_size_check"
    ),
    CheckConstraint(
        "status in"
        " ('scheduled', 'queued', 'running', 'blocked', 'succeeded', 'failed', 'cancelled')",
        name="jobs_status_check",
    ),
    # What a Python datetime can hold: an infinite moment would make every listing with it fail.
    CheckConstraint(
        "run_at between '0001-01-02 00:00:00+00' and '9999-12-30 00:00:00+00'",
        name="jobs_run_at_check",
    ),
    CheckConstraint(
        "expires_at between '0001-01-02 00:00:00+00' and '9999-12-30 00:00:00+00'",
        name="jobs_expires_at_check",
    ),
    CheckConstraint("priority between -100 and 100", name="jobs_priority_check"),
    CheckConstraint("executor in ('greenlet', 'asyncio', 'process')", name="jobs_executor_check"),
    CheckConstraint("delivery in ('at_least_once', 'at_most_once')", name="jobs_delivery_check"),
    CheckConstraint("max_attempts >= 1", name="jobs_max_attempts_check"),
    CheckConstraint("backoff in ('exponential', 'linear', 'fixed')", name="jobs_backoff_check"),
    CheckConstraint("backoff_base_seconds between 0 and 31622400", name="jobs_backoff_base_check"),
    CheckConstraint("backoff_max_seconds between 0 and 31622400", name="jobs_backoff_max_check"),
    CheckConstraint(
        "timeout_seconds > 0 and timeout_seconds <= 31622400", name="jobs_timeout_check"
    ),
    CheckConstraint("keep_seconds between 0 and 3162240000", name="jobs_keep_check"),
    CheckConstraint("progress between 0 and 1", name="jobs_progress_check"),
    CheckConstraint("char_length(unique_key) between 1 and 500", name="jobs_unique_key_check"),
    CheckConstraint(
        "char_length(concurrency_key) between 1 and 500", name="jobs_concurrency_key_check"
    ),
    CheckConstraint("char_length(ordering_key) between 1 and 500", name="jobs_ordering_key_check"),
    CheckConstraint(
        "cardinality(tags) <= 50"
        " and coalesce(array_ndims(tags), 1) = 1"
        " and array_position(tags, null) is null"
        " and array_position(tags, '') is null"
        " and char_length(array_to_string(tags, '')) <= 10000",
        name="jobs_tags_check",
    ),
    # SQLAlchemy 2.0 cannot say storage parameters of a table, so they stand beside it.
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
Index("jobs_running", jobs.c.deadline_at, postgresql_where=text("status = 'running'"))
Index("jobs_kept_until", jobs.c.kept_until, postgresql_where=text("kept_until is not null"))
Index(
    "jobs_expires_at",
    jobs.c.expires_at,
    postgresql_where=text(
        "expires_at is not null and status in ('scheduled', 'queued', 'blocked')"
    ),
)
Index(
    "jobs_cancel_requested",
    jobs.c.worker_id,
    postgresql_where=text("cancel_requested_at is not null and status = 'running'"),
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
    Column("outcome", Text, nullable=False),
    Column("error_type", Text),
    Column("error_message", Text),
    Column("traceback", Text),
    PrimaryKeyConstraint("job_id", "attempt", name="attempts_pkey"),
    CheckConstraint(
        "outcome in"
        " ('succeeded', 'failed', 'timed_out', 'lost', 'interrupted', 'cancelled', 'snoozed')",
        name="attempts_outcome_check",
    ),
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
    _identity(),
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
        "stop_reason in ('finished', 'stopped', 'died', 'overdue', 'silent')",
        name="workers_stop_reason_check",
    ),
    info={"storage": {"fillfactor": "50"}},
)

Index("workers_live", workers.c.supervisor_id, postgresql_where=text("stopped_at is null"))

watches = Table(
    "watches",
    metadata,
    Column("supervisor_id", BigInteger, nullable=False, autoincrement=False),
    Column("queues", ARRAY(Text), nullable=False),
    Column("prefixes", ARRAY(Text), nullable=False),
    Column("wants_wakeups", Boolean, nullable=False),
    _moment("until", nullable=False),
    PrimaryKeyConstraint("supervisor_id", name="watches_pkey"),
    info={"storage": {}},
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
