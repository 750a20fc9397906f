"""The former place of `job_context` and `decisions`, until every import names these."""

from pgqueue.core.decisions import (
    CancelJob,
    JobCancelled,
    JobInterrupted,
    JobTimeout,
    RetryJob,
    SnoozeJob,
)
from pgqueue.core.job_context import (
    Host,
    JobContext,
    JobLog,
    current_job,
    enter,
    find_current_job,
    leave,
    redact,
)

censored = redact

__all__ = [
    "CancelJob",
    "Host",
    "JobCancelled",
    "JobContext",
    "JobInterrupted",
    "JobLog",
    "JobTimeout",
    "RetryJob",
    "SnoozeJob",
    "censored",
    "current_job",
    "enter",
    "find_current_job",
    "leave",
    "redact",
]
