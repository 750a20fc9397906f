"""What maintenance asks: what is ready, due, stranded, expired or over."""

from collections.abc import Sequence
from dataclasses import dataclass

from pgqueue.core.lifecycle import JobStatus
from pgqueue.store.statement import Row, Statement


@dataclass(frozen=True, slots=True)
class UnfinishedJobs:
    """How many jobs of a task are queued or running."""

    status: JobStatus
    task: str
    job_count: int


@dataclass(frozen=True, slots=True)
class ReadyQueues:
    """What waits for a worker.

    Attributes:
        ready: (queue, executor, quarantined) of every queue with a ready job.
        due_in_seconds: Until the next scheduled job falls due; negative for one that did within
            the last minute, None when there is none.
        seconds: What the server took to look.
    """

    ready: list[tuple[str, str, bool]]
    due_in_seconds: float | None
    seconds: float


def find_ready() -> Statement[ReadyQueues]:
    """Look what is ready, and what falls due next."""

    def decode(rows: Sequence[Row]) -> ReadyQueues:
        # There is always one.
        return ReadyQueues(
            [(row[0], row[1], row[2]) for row in rows if row[0] is not None], *rows[0][3:]
        )

    return Statement("find_ready", {}, decode)


def unfinished(queues: Sequence[str]) -> Statement[list[UnfinishedJobs]]:
    """What is queued or running in *queues*; a trailing `/` takes all sub-queues."""
    params = {
        "queues": [queue for queue in queues if not queue.endswith("/")],
        "prefixes": [queue for queue in queues if queue.endswith("/")],
    }
    return Statement(
        "count_unfinished",
        params,
        lambda rows: [UnfinishedJobs(JobStatus(row[0]), row[1], row[2]) for row in rows],
    )
