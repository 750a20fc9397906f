"""The ready and the unfinished jobs of queues, and the notification that jobs are ready."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.queue_pattern import split_patterns
from pgqueue.store.statement import Row, Statement

NOTIFICATION: Final = ""
"""The payload of a notification that a job is ready, as the SQL files write it."""


@dataclass(frozen=True, slots=True)
class UnfinishedJobs:
    """How many jobs of a task are queued or running."""

    status: JobStatus
    task: str
    job_count: int


class ReadyRow(NamedTuple):
    """One row of `find_ready.sql`; a scan that finds nothing answers with one row of nulls."""

    queue: str | None
    executor: str | None
    quarantined: bool | None
    due_in_seconds: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class ReadyQueues:
    """The answer of a ready scan.

    Attributes:
        ready: (queue, executor, quarantined) of every queue with a ready job.
        due_in_seconds: Until the next scheduled job falls due; negative for a job that fell due
            within the last minute, None without one.
        seconds: How long the scan took the server.
    """

    ready: list[tuple[str, str, bool]]
    due_in_seconds: float | None
    seconds: float


def find_ready() -> Statement[ReadyQueues]:
    """Scan for queues with ready jobs, and for the scheduled job that falls due next."""

    def decode(rows: Sequence[Row]) -> ReadyQueues:
        scanned = [ReadyRow._make(row) for row in rows]
        return ReadyQueues(
            ready=[
                (queue, executor, bool(quarantined))
                for queue, executor, quarantined, *_ in scanned
                if queue is not None and executor is not None
            ],
            due_in_seconds=scanned[0].due_in_seconds,
            seconds=scanned[0].seconds,
        )

    return Statement("find_ready", {}, decode)


def notify(queues: Iterable[str]) -> Statement[None]:
    """Wake the supervisors that wait for a job of these queues."""
    return Statement("notify", {"queues": sorted(queues)}, lambda rows: None)


def unfinished(queues: Sequence[str]) -> Statement[list[UnfinishedJobs]]:
    """The queued and running jobs of *queues*, by task; a trailing `/` takes all sub-queues."""
    names, prefixes = split_patterns(queues)
    return Statement(
        "count_unfinished",
        {"queues": names, "prefixes": prefixes},
        lambda rows: [UnfinishedJobs(JobStatus(status), *rest) for status, *rest in rows],
    )
