"""Log lines and progress are written for active attempts only."""

from queue_database import QueueDatabase
from settling import token

from mutation.scenarios.registry import finished_attempt, of, written_rows, wrong_tokens
from pgqueue.store import logs, progress
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.statement import run


@of("write_progress", "add_log_lines")
def output_is_written_only_for_an_active_attempt(db: QueueDatabase) -> None:
    claimed, neighbour, finished = db.claim_new(), db.claim_new(), finished_attempt(db)
    before = written_rows(db)

    of_neighbour = claimed._replace(worker_id=neighbour.worker_id)
    for wrong in (*wrong_tokens(claimed), of_neighbour, finished):
        if wrong.id == neighbour.id:
            continue  # a token of the neighbour, which is checked below
        run(db.link, progress.write_progress([Progress(*token(wrong), 0.5, "half")]))
        run(
            db.link,
            logs.add_log_lines([NewLogLine(*token(wrong), 0.0, "INFO", "shop", "late", 1)]),
        )
    assert before == written_rows(db)

    run(db.link, progress.write_progress([Progress(*token(claimed), 0.5, "half")]))
    run(
        db.link,
        logs.add_log_lines([NewLogLine(*token(claimed), 0.0, "INFO", "shop", "in time", 1)]),
    )
    assert (0.5, "half") == (db.job(claimed.id).progress, db.job(claimed.id).progress_message)
    assert db.job(neighbour.id).progress is None
    assert [(claimed.id, "in time")] == db.rows("select job_id, message from pgqueue.logs")


@of("add_log_lines")
def a_log_line_that_is_sent_again_is_written_once(db: QueueDatabase) -> None:
    claimed, other = db.claim_new(), db.claim_new()
    lines = [NewLogLine(*token(claimed), 0.0, "INFO", "shop", str(n), n) for n in (1, 2, 3, 4)]
    run(db.link, logs.add_log_lines([NewLogLine(*token(other), 0.0, "INFO", "shop", "1", 1)]))
    db.rows(
        "insert into pgqueue.logs (job_id, attempt, number, level, message)"
        " values (%(id)s, 0, 2, 'INFO', 'of an earlier attempt')",
        id=claimed.id,
    )

    # The first line was dropped.
    run(db.link, logs.add_log_lines(lines[1:3]))
    run(db.link, logs.add_log_lines(lines[1:]))

    assert [("2",), ("3",), ("4",)] == db.rows(
        "select message from pgqueue.logs where job_id = %(id)s and attempt = 1 order by id",
        id=claimed.id,
    )


@of("add_log_lines")
def a_log_line_of_a_job_that_is_being_deleted_is_dropped(db: QueueDatabase) -> None:
    deleted, active, kept = (
        db.claim_new(keep_seconds=0.0),
        db.claim_new(keep_seconds=0.0),
        db.claim_new(),
    )
    lines = [
        NewLogLine(*token(attempt), 0.0, "INFO", "shop", "", 1)
        for attempt in (deleted, active, kept)
    ]

    with db.locked(deleted.id, "update"), db.locked(kept.id, "update"):
        run(db.link, logs.add_log_lines(lines))

    assert [(active.id,), (kept.id,)] == db.rows("select job_id from pgqueue.logs order by id")
