"""What a supervisor asks about its workers: start, lease, end; and the tasks they know."""

from dataclasses import dataclass

from pgqueue.store.statement import Statement


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """A running job that somebody asked to cancel."""

    worker_id: int
    id: int
    attempt: int


def cancel_requests(supervisor_id: int) -> Statement[list[CancelRequest]]:
    """Running jobs of a supervisor's workers that somebody asked to cancel."""
    params = {"supervisor_id": supervisor_id}
    return Statement(
        "find_cancel_requests", params, lambda rows: [CancelRequest(*row) for row in rows]
    )
