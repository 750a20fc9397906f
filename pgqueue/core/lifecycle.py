"""The closed sets of a job's status and of an attempt's outcome.

One rule in SQL says what an outcome does to its job: `store/sql/settle.sql`. It is the only
statement that ends an attempt, for workers, supervisors and rescues alike. Its header has the
table. Each other change of a status is one statement:

    scheduled ─promote─▶ queued ─claim─▶ running ─settle─▶ succeeded | failed | cancelled
        ▲                  ▲                │
        └──────────────────┴─────settle─────┘        cancel, retry, expire: by hand or by time
"""

from enum import StrEnum
from typing import Final


class JobStatus(StrEnum):
    """The status of a job."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    BLOCKED = "blocked"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether only a person can change it, with a retry."""
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


# To look a member of an enumeration up takes ten times as long, and each job needs these.
JOB_SUCCEEDED: Final = JobStatus.SUCCEEDED
ATTEMPT_SUCCEEDED: Final = Outcome.SUCCEEDED
