"""Log lines and progress of attempts."""

import pytest
from queue_database import QueueDatabase

from pgqueue.store import logs, progress
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.statement import run


@pytest.mark.parametrize("wrong", [None, "id", "attempt", "worker_id"])
def test_logs_and_progress_are_written_only_for_an_active_attempt(
    db: QueueDatabase, wrong: str | None
) -> None:
    claimed = db.claim_new()
    token = {"id": claimed.id, "attempt": claimed.attempt, "worker_id": claimed.worker_id}
    if wrong is not None:
        token[wrong] += 1

    run(
        db.link,
        logs.add_log_lines(
            [
                NewLogLine(
                    **token, age_seconds=age, level="INFO", logger="shop", message=text, number=n
                )
                for n, (age, text) in enumerate([(2.0, "first"), (3.0, "second")], 1)
            ]
        ),
    )
    run(
        db.link,
        progress.write_progress([Progress(**token, fraction=0.25, message="a quarter")]),
    )

    lines = db.rows("select message from pgqueue.logs order by id")
    row = db.job(claimed.id)
    if wrong is None:
        assert [("first",), ("second",)] == lines
        assert (0.25, "a quarter") == (row.progress, row.progress_message)
    else:
        assert [] == lines
        assert (None, None) == (row.progress, row.progress_message)
