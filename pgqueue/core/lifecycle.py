"""The closed sets of a job's status and of an attempt's outcome.

What an outcome does to its job is one rule, and it is SQL: `store/sql/settle.sql`, the only
statement that ends an attempt, whether a worker, a supervisor or a rescue asks. Read its head
for the table. The other status changes are one statement each:

    scheduled ─promote─▶ queued ─claim─▶ running ─settle─▶ succeeded | failed | cancelled
        ▲                  ▲                │
        └──────────────────┴─────settle─────┘        cancel, retry, expire: by hand or by time
"""

from enum import StrEnum
from typing import Final


class JobStatus(StrEnum):
    """Where a job stands."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    BLOCKED = "blocked"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing but a retry by hand changes it any more."""
        return self in FINAL


FINAL: Final = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED})
"""Statuses that end a job."""


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    LOST = "lost"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    SNOOZED = "snoozed"
