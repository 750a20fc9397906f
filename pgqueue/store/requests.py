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


def notification(supervisor_id: int) -> str:
    """The payload of a notification that there are requests to workers of a supervisor."""
    return f"requests {supervisor_id}"


def open_requests(supervisor_id: int) -> Statement[list[Request]]:
    """The open requests to a supervisor's workers, oldest first."""
    params = {"supervisor_id": supervisor_id}
    return Statement("open_requests", params, lambda rows: [Request(*row) for row in sorted(rows)])


def close_requests(ids: Iterable[int]) -> Statement[int]:
    """Close requests whose attempt is over; returns how many."""
    return Statement("close_requests", {"ids": list(ids)}, count)
