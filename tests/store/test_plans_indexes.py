"""Statements that run all the time use the indexes that their heads promise.

They are planned among 100,000 jobs: for a first time, and once PostgreSQL has seen them often
enough to prefer a generic plan. A plan that reads a whole table would read it several times a
second.
"""

from collections.abc import Iterable, Mapping

import pytest
from plans import ANALYZED, JOBS, STATEMENTS, WHOLE, add_rows, index_scans, plan_nodes, plan_of
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import Outcome
from pgqueue.store import logs, progress, settlements
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.settlements import Settlement


def test_statements_use_only_their_indexes_among_a_hundred_thousand_jobs(db: QueueDatabase) -> None:
    add_rows(db)
    offences: list[str] = []

    for file, (params, promised) in STATEMENTS.items():
        for times in (1, 10):
            used = index_scans(plan_of(db, file, params, times=times))
            offences += [f"{file}, executed {times} times: {scan}" for scan in used - promised]

    assert [] == offences


def test_the_statements_of_a_loop_read_no_index_whole(loop_db: QueueDatabase) -> None:
    add_rows(loop_db)
    statements = {
        **STATEMENTS,
        "count_unfinished": ({"queues": ["queue 1"], "prefixes": []}, set()),
    }

    whole = {
        (file, str(node["Index Name"]))
        for file, (params, _) in statements.items()
        for node in plan_nodes(plan_of(loop_db, file, params, times=2))
        if "Index Name" in node and "Index Cond" not in node and "workers" not in node["Index Name"]
    }
    offences = {
        (file, scan)
        for file, (params, _) in statements.items()
        for scan in index_scans(plan_of(loop_db, file, params, times=2))
        if " on " in scan
    }

    assert set() == whole - WHOLE
    assert set() == offences


def test_a_plan_without_its_index_is_detected(db: QueueDatabase) -> None:
    with db.link.raw.transaction(force_rollback=True):
        db.rows(JOBS)
        db.rows("drop index pgqueue.jobs_due, pgqueue.jobs_scheduled")

        used = index_scans(plan_of(db, "promote", {"jobs_max": 10, "refused": [], "after": None}))

    assert "Seq Scan on jobs" in used


@pytest.mark.own_session
@pytest.mark.parametrize("file", ["settle", "add_log_lines", "write_progress"])
@pytest.mark.parametrize("analyzed", ANALYZED)
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_a_worker_finds_its_attempts_by_their_keys(
    loop_db: QueueDatabase, file: str, mode: str, analyzed: str
) -> None:
    db = loop_db
    db.rows("alter table pgqueue.jobs set (autovacuum_enabled = false)")
    if analyzed == "when it was empty":
        db.rows("analyze")
    db.rows("insert into pgqueue.jobs (task) select 't' from generate_series(1, 6000)")
    claimed = db.claim(db.worker(), jobs_max=100, slots_free=100)
    if analyzed == "now":
        db.rows("analyze")
    db.rows(f"set plan_cache_mode = {mode}")

    used = index_scans(plan_of(db, file, _params(file, claimed)))

    assert {"jobs_pkey"} == {index for index in used if "jobs" in index}


def _params(file: str, claimed: Iterable[ClaimedAttempt]) -> Mapping[str, object]:
    """The parameters of a worker's statement about its attempts."""
    tokens = [(attempt.id, attempt.attempt, attempt.worker_id) for attempt in claimed]
    if file == "settle":
        return settlements.settle(Settlement(*token, Outcome.FAILED) for token in tokens).params
    if file == "add_log_lines":
        lines = (NewLogLine(*token, 0.0, "INFO", "", "line", 1) for token in tokens)
        return logs.add_log_lines(lines).params
    return progress.write_progress(Progress(*token, 0.5, "line") for token in tokens).params
