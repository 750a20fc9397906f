"""A claim reads little more than the jobs that it claims, whatever the statistics say."""

from typing import Any

import psycopg
import pytest
from plans import (
    ANALYZED,
    JOBS,
    STATEMENTS,
    WHOLE,
    WORKERS,
    leave_unanalyzed,
    plan_nodes,
    plan_of,
    unbounded_scans,
)
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import Outcome
from pgqueue.store import settlements
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run


@pytest.mark.own_session
@pytest.mark.parametrize("analyzed", ANALYZED)
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_a_claim_reads_at_most_twice_the_rows_that_it_claims(
    fetcher_db: QueueDatabase, mode: str, analyzed: str
) -> None:
    fetcher_db.rows("alter table pgqueue.jobs set (autovacuum_enabled = false)")
    if analyzed == "when it was empty":
        fetcher_db.rows("analyze")
    fetcher_db.rows(JOBS)
    fetcher_db.rows(WORKERS)
    if analyzed == "now":
        fetcher_db.rows("analyze")
    fetcher_db.rows(f"set plan_cache_mode = {mode}")
    params = {**STATEMENTS["claim"][0], "unknown_tasks": [], "jobs_max": 10}

    plan = plan_of(fetcher_db, "claim", params, "analyze, ")

    scans = [node for node in plan_nodes(plan) if node.get("Index Name") == "jobs_ready"]
    assert ["Index Scan"] == [node["Node Type"] for node in scans]
    assert 10 <= scans[0]["Actual Rows"] * scans[0]["Actual Loops"] <= 20


@pytest.mark.own_session
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_a_claim_from_its_cursor_reads_no_claimed_jobs(
    fetcher_db: QueueDatabase, database_url: str, mode: str
) -> None:
    worker_id = fetcher_db.worker()
    fetcher_db.rows("insert into pgqueue.jobs (task) select 't' from generate_series(1, 6000)")
    fetcher_db.rows("analyze")
    fetcher_db.rows(f"set plan_cache_mode = {mode}")
    with psycopg.connect(database_url) as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select 1")
        claimed = fetcher_db.claim(worker_id, jobs_max=5000, slots_free=5000)
        ends = [
            Settlement(attempt.id, attempt.attempt, worker_id, Outcome.SUCCEEDED)
            for attempt in claimed
        ]
        run(fetcher_db.link, settlements.settle(ends))

        first, later = (
            _buffers(plan_of(fetcher_db, "claim", _claim(worker_id, after), "analyze, buffers, "))
            for after in (0, claimed[-1].position)
        )

    # The entries of 6,000 jobs fill dozens of blocks, and their rows a hundred.
    assert later < 15
    assert first > 5 * later


# How many other jobs there are when the plan is made; the plan is kept from then on.
_SIZES = (0, 30, 300, 3_000)


@pytest.mark.own_session
@pytest.mark.parametrize("size", _SIZES)
def test_a_plan_made_for_a_small_table_reads_no_table_whole(
    loop_db: QueueDatabase, fetcher_db: QueueDatabase, size: int
) -> None:
    _small(loop_db, size)
    # The dispatcher has the settings of a fetcher.
    sessions = dict.fromkeys(("promote", "first_scheduled", "find_ready"), fetcher_db)

    whole = {
        (file, index)
        for file, (params, _) in STATEMENTS.items()
        for index in unbounded_scans(plan_of(sessions.get(file, loop_db), file, params))
    }

    assert set() == whole - WHOLE


@pytest.mark.own_session
@pytest.mark.parametrize("size", _SIZES)
def test_a_claim_planned_for_a_small_table_reads_no_table_whole(
    fetcher_db: QueueDatabase, size: int
) -> None:
    _small(fetcher_db, size)

    plan = plan_of(fetcher_db, "claim", STATEMENTS["claim"][0])

    assert [] == unbounded_scans(plan)


def _small(db: QueueDatabase, size: int) -> None:
    """Insert *size* queued jobs, analyze the table, and enqueue one more."""
    leave_unanalyzed(db)
    db.rows(f"insert into pgqueue.jobs (task) select 't' from generate_series(1, {size})")
    db.rows("analyze")
    db.enqueue()


def _claim(worker_id: int, after: int) -> dict[str, object]:
    return {
        "worker_id": worker_id,
        "executor": "greenlet",
        "queues": ["default"],
        "priorities": [0],
        "afters": [after],
        "until_priorities": [-100],
        "unknown_tasks": [],
        "jobs_max": 10,
        "slots_free": 10,
        "args_bytes_max": 1_048_576,
    }


def _buffers(plan: dict[str, Any]) -> int:
    """The blocks that the scan of the ready jobs read."""
    [scan] = [node for node in plan_nodes(plan) if node.get("Index Name") == "jobs_ready"]
    return int(scan["Shared Hit Blocks"] + scan["Shared Read Blocks"])
