"""Write the progress of running attempts."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from pgqueue.store.statement import Statement, count


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress that an attempt reported, from 0 to 1."""

    id: int
    attempt: int
    worker_id: int
    fraction: float
    message: str


def write_progress(reports: Iterable[Progress]) -> Statement[int]:
    """Write the latest progress of attempts that are still active."""
    rows = [
        {
            "id": report.id,
            "attempt": report.attempt,
            "worker_id": report.worker_id,
            "progress": report.fraction,
            "message": report.message,
        }
        for report in reports
    ]
    return Statement("write_progress", {"progress": json.dumps(rows)}, count)
