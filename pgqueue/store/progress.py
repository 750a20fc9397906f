"""What a worker asks: claim attempts, settle them, and write their logs and progress."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from pgqueue.store.statement import Statement, count


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an attempt says it is, from 0 to 1."""

    id: int
    attempt: int
    worker_id: int
    fraction: float
    message: str


def write_progress(said: Iterable[Progress]) -> Statement[int]:
    """Write the latest progress of attempts that are still held."""
    rows = [
        {
            "id": each.id,
            "attempt": each.attempt,
            "worker_id": each.worker_id,
            "progress": each.fraction,
            "message": each.message,
        }
        for each in said
    ]
    return Statement("write_progress", {"progress": json.dumps(rows)}, count)
