"""Requests to running workers, and their ends.

A row of `requests` is the only way to send a worker a request: the supervisor's dispatcher reads
it and passes it to the child. The only kind so far is a cancellation.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pgqueue.store.statement import Statement, count

CANCEL: Final = "cancel"
"""The kind of a request to end a running attempt as cancelled."""


@dataclass(frozen=True, slots=True)
class Request:
    """An open request to a worker.

    Attributes:
        is_running: Whether the attempt still runs, so that its worker can answer.
    """

    id: int
    kind: str
    worker_id: int
    job_id: int
    attempt: int
    is_running: bool


NOTIFICATION: Final = "requests"
"""The payload of a notification of requests to a supervisor's workers, as SQL files write it."""


def notify_others(supervisor_id: int) -> Statement[None]:
    """Notify all other supervisors whose workers have open requests."""
    return Statement("notify_requests", {"sender_id": supervisor_id}, lambda rows: None)


def open_requests(supervisor_id: int) -> Statement[list[Request]]:
    """The open requests to a supervisor's workers, oldest first."""
    params = {"supervisor_id": supervisor_id}
    return Statement("open_requests", params, lambda rows: [Request(*row) for row in sorted(rows)])


def close_requests(ids: Iterable[int]) -> Statement[int]:
    """Close requests whose attempt is over; returns how many."""
    return Statement("close_requests", {"ids": list(ids)}, count)
