"""The ready and the unfinished jobs of queues, and the notification that jobs are ready."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.queue_pattern import split_patterns
from pgqueue.store.statement import Row, Statement

FORWARDS_MAX: Final = 3
"""How often a notification of ready jobs is forwarded. It has met so many full supervisors then
that most are full, and a worker with a new free slot claims by itself."""

_PAYLOADS: Final = {"": 0} | {str(count): count for count in range(1, FORWARDS_MAX + 1)}


def forward_count(payloads: Iterable[str]) -> int | None:
    """How often the notification was forwarded; None without a payload of ready jobs."""
    return min((_PAYLOADS[text] for text in payloads if text in _PAYLOADS), default=None)


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
    has_requests: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class ReadyQueues:
    """The answer of a ready scan.

    Attributes:
        ready: (queue, executor, quarantined) of every queue with a ready job.
        due_in_seconds: Until the next scheduled job falls due; negative for a job that fell due
            within the last minute, None without one.
        has_requests: Whether any worker has an open request.
        seconds: How long the scan took the server.
    """

    ready: list[tuple[str, str, bool]]
    due_in_seconds: float | None
    has_requests: bool
    seconds: float


def find_ready() -> Statement[ReadyQueues]:
    """Scan for queues with ready jobs, the scheduled job that falls due next, and requests."""

    def decode(rows: Sequence[Row]) -> ReadyQueues:
        scanned = [ReadyRow._make(row) for row in rows]
        return ReadyQueues(
            ready=[
                (queue, executor, bool(quarantined))
                for queue, executor, quarantined, *_ in scanned
                if queue is not None and executor is not None
            ],
            due_in_seconds=scanned[0].due_in_seconds,
            has_requests=scanned[0].has_requests,
            seconds=scanned[0].seconds,
        )

    return Statement("find_ready", {}, decode)


def notify(
    ready: Mapping[str, int], *, sender_id: int | None = None, forward_count: int = 0
) -> Statement[None]:
    """Wake supervisors that wait for jobs of these queues, as many as have slots for them.

    Args:
        ready: How many jobs each queue has.
        sender_id: The supervisor that forwards a notification, and is not woken.
        forward_count: How often it was forwarded, this time included.
    """
    queues = sorted(ready)
    params = {
        "queues": queues,
        "jobs": [ready[queue] for queue in queues],
        "sender_id": sender_id,
        "payload": str(forward_count or ""),
    }
    return Statement("notify", params, lambda rows: None)


def unfinished(queues: Sequence[str]) -> Statement[list[UnfinishedJobs]]:
    """The queued and running jobs of *queues*, by task; a trailing `/` takes all sub-queues."""
    names, prefixes = split_patterns(queues)
    return Statement(
        "count_unfinished",
        {"queues": names, "prefixes": prefixes},
        lambda rows: [UnfinishedJobs(JobStatus(status), *rest) for status, *rest in rows],
    )
