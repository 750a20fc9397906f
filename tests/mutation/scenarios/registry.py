"""The scenarios of each statement, and the rows that several of them need."""

from collections.abc import Callable
from typing import Any

from queue_database import QueueDatabase

from pgqueue.core.lifecycle import Outcome
from pgqueue.store.claims import ClaimedAttempt

Scenario = Callable[[QueueDatabase], None]

SCENARIOS: dict[str, list[Scenario]] = {}


def of(*files: str) -> Callable[[Scenario], Scenario]:
    """Enter a scenario for the statements in these files."""

    def enter(scenario: Scenario) -> Scenario:
        for file in files:
            SCENARIOS.setdefault(file, []).append(scenario)
        return scenario

    return enter


def wrong_tokens(claimed: ClaimedAttempt) -> list[ClaimedAttempt]:
    """The attempt three times, each with another part of its token wrong."""
    return [
        claimed._replace(id=claimed.id + 1),
        claimed._replace(attempt=claimed.attempt + 1),
        claimed._replace(worker_id=claimed.worker_id + 1),
    ]


def written_rows(db: QueueDatabase) -> list[tuple[Any, ...]]:
    """All rows that a worker may write."""
    return [
        *db.rows("select * from pgqueue.jobs order by id"),
        *db.rows("select * from pgqueue.attempts order by job_id, attempt"),
        *db.rows("select * from pgqueue.logs order by id"),
    ]


def finished_attempt(db: QueueDatabase) -> ClaimedAttempt:
    """An attempt whose job is finished; the row still has the token of the attempt."""
    claimed = db.claim_new()
    db.settle(claimed, Outcome.SUCCEEDED)
    db.change(claimed.id, worker_id=claimed.worker_id)
    return claimed
