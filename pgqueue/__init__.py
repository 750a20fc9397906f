"""pgqueue: a task queue in PostgreSQL.

The public names, each loaded at its first use: importing pgqueue costs next to nothing and
loads no database driver.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pgqueue import events
    from pgqueue.client.client import Client
    from pgqueue.core.decisions import (
        CancelJob,
        JobCancelled,
        JobInterrupted,
        JobTimeout,
        RetryJob,
        SnoozeJob,
    )
    from pgqueue.core.errors import (
        AccessDenied,
        ConnectionsInUse,
        DatabaseUnreachable,
        EmbeddedUnavailable,
        EventLoopBlocked,
        InvalidArguments,
        InvalidOption,
        InvalidPayload,
        InvalidSettings,
        InvalidTask,
        JobGone,
        JobLocked,
        LeaseLost,
        NoCurrentJob,
        NoDatabase,
        PayloadTooLarge,
        PgqueueError,
        ReplyLost,
        ResultTooLarge,
        SchemaBusy,
        SchemaMismatch,
        SchemaMissing,
        SchemaTooNew,
        SchemaTooOld,
        TaskModuleBroken,
        TaskModuleNotFound,
        UnknownTask,
        UnstorableValue,
        UnsupportedConnection,
        UnsupportedDatabase,
        WrongStatus,
    )
    from pgqueue.core.events.event import listen
    from pgqueue.core.job import (
        Attempt,
        Job,
        JobStatuses,
        LogLine,
        TaskRecord,
        UnknownTaskRecord,
        WorkerRecord,
    )
    from pgqueue.core.job_context import JobContext, current_job
    from pgqueue.core.lifecycle import JobStatus, Outcome
    from pgqueue.core.middleware import middleware
    from pgqueue.core.retry import Retry
    from pgqueue.runtime.supervision import start_supervisor
    from pgqueue.runtime.target import open_target
    from pgqueue.tasks.call import Call
    from pgqueue.tasks.default import aenqueue, configure, default_client, enqueue
    from pgqueue.tasks.task import Task, task

_HOMES: Final = {
    "pgqueue.client.client": ("Client",),
    "pgqueue.core.decisions": (
        "CancelJob",
        "JobCancelled",
        "JobInterrupted",
        "JobTimeout",
        "RetryJob",
        "SnoozeJob",
    ),
    "pgqueue.core.errors": (
        "AccessDenied",
        "ConnectionsInUse",
        "DatabaseUnreachable",
        "EmbeddedUnavailable",
        "EventLoopBlocked",
        "InvalidArguments",
        "InvalidOption",
        "InvalidPayload",
        "InvalidSettings",
        "InvalidTask",
        "JobGone",
        "JobLocked",
        "LeaseLost",
        "NoCurrentJob",
        "NoDatabase",
        "PayloadTooLarge",
        "PgqueueError",
        "ReplyLost",
        "ResultTooLarge",
        "SchemaBusy",
        "SchemaMismatch",
        "SchemaMissing",
        "SchemaTooNew",
        "SchemaTooOld",
        "TaskModuleBroken",
        "TaskModuleNotFound",
        "UnknownTask",
        "UnstorableValue",
        "UnsupportedConnection",
        "UnsupportedDatabase",
        "WrongStatus",
    ),
    "pgqueue.core.events.event": ("listen",),
    "pgqueue.core.job": (
        "Attempt",
        "Job",
        "JobStatuses",
        "LogLine",
        "TaskRecord",
        "UnknownTaskRecord",
        "WorkerRecord",
    ),
    "pgqueue.core.job_context": ("JobContext", "current_job"),
    "pgqueue.core.lifecycle": ("JobStatus", "Outcome"),
    "pgqueue.core.middleware": ("middleware",),
    "pgqueue.core.retry": ("Retry",),
    "pgqueue.runtime.supervision": ("start_supervisor",),
    "pgqueue.runtime.target": ("open_target",),
    "pgqueue.tasks.call": ("Call",),
    "pgqueue.tasks.default": ("aenqueue", "configure", "default_client", "enqueue"),
    "pgqueue.tasks.task": ("Task", "task"),
}
_HOME: Final = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "AccessDenied",
    "Attempt",
    "Call",
    "CancelJob",
    "Client",
    "ConnectionsInUse",
    "DatabaseUnreachable",
    "EmbeddedUnavailable",
    "EventLoopBlocked",
    "InvalidArguments",
    "InvalidOption",
    "InvalidPayload",
    "InvalidSettings",
    "InvalidTask",
    "Job",
    "JobCancelled",
    "JobContext",
    "JobGone",
    "JobInterrupted",
    "JobLocked",
    "JobStatus",
    "JobStatuses",
    "JobTimeout",
    "LeaseLost",
    "LogLine",
    "NoCurrentJob",
    "NoDatabase",
    "Outcome",
    "PayloadTooLarge",
    "PgqueueError",
    "ReplyLost",
    "ResultTooLarge",
    "Retry",
    "RetryJob",
    "SchemaBusy",
    "SchemaMismatch",
    "SchemaMissing",
    "SchemaTooNew",
    "SchemaTooOld",
    "SnoozeJob",
    "Task",
    "TaskModuleBroken",
    "TaskModuleNotFound",
    "TaskRecord",
    "UnknownTask",
    "UnknownTaskRecord",
    "UnstorableValue",
    "UnsupportedConnection",
    "UnsupportedDatabase",
    "WorkerRecord",
    "WrongStatus",
    "aenqueue",
    "configure",
    "current_job",
    "default_client",
    "enqueue",
    "events",
    "listen",
    "middleware",
    "open_target",
    "start_supervisor",
    "task",
]


def __getattr__(name: str) -> Any:
    if name == "events":
        return import_module("pgqueue.events")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'pgqueue' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
