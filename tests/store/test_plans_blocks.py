"""A batch reads few blocks among many jobs.

Blocks are counted beside PLAN_ROWS jobs of one kind, 30,000 where it is not set; with 1,000,000
that takes some minutes.
"""

import os
from collections.abc import Mapping
from itertools import cycle
from typing import Any

import claiming
import pytest
from plans import leave_unanalyzed, plan_nodes, plan_of
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import Outcome
from pgqueue.store import promotion, queues, retention, settlements
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import Statement, run

_PLAN_ROWS = int(os.environ.get("PLAN_ROWS", "30000"))

# By the kind of jobs in the table: the kind that the statistics describe.
_MISTAKEN = {"queued": "finished", "scheduled": "queued", "finished": "scheduled"}

# Half of the scheduled jobs are due, and half of the finished ones are past kept_until. A planner
# that does not know a limit prefers to gather all of them. The next jobs lie all over the table.
_MANY = {
    "queued": """
        insert into pgqueue.jobs (task, queue, priority)
        select 't', 'queue ' || n %% 4, n %% 5
        from generate_series(%(first)s::bigint, %(last)s::bigint) as n
    """,
    "scheduled": """
        insert into pgqueue.jobs (task, queue, status, run_at)
        select 't', 'queue ' || n %% 4, 'scheduled',
          clock_timestamp() + make_interval(secs => n * 7919 %% %(rows)s - %(rows)s / 2)
        from generate_series(%(first)s::bigint, %(last)s::bigint) as n
    """,
    "finished": """
        with finished as (
          insert into pgqueue.jobs (
            task, queue, status, attempt, worker_id, started_at, finished_at, kept_until
          )
          select 't', 'queue ' || n %% 4, 'succeeded', 1, 1, clock_timestamp(), clock_timestamp(),
            clock_timestamp() + make_interval(secs => n * 7919 %% %(rows)s - %(rows)s / 2)
          from generate_series(%(first)s::bigint, %(last)s::bigint) as n
          returning id, attempt, worker_id, started_at, finished_at
        )
        insert into pgqueue.attempts (
          job_id, attempt, worker_id, started_at, finished_at, outcome
        )
        select id, attempt, worker_id, started_at, finished_at, 'succeeded'
        from finished
    """,
}

_INDEXES = {"queued": "jobs_ready", "scheduled": "jobs_scheduled", "finished": "jobs_kept_until"}

_BATCH = 5

# One scan of a batch read at most 33 blocks among a million jobs, and 27 among 30,000. The smallest
# index of 30,000 jobs has 82 blocks, and the table has more than a thousand.
_BLOCKS_MAX = 50


@pytest.mark.own_session
@pytest.mark.parametrize("analyzed", ["never", "when it was empty", "when it had others"])
@pytest.mark.parametrize("kind", _MANY)
def test_a_batch_reads_few_blocks_among_many_jobs_whatever_the_statistics_say(
    fetcher_db: QueueDatabase, loop_db: QueueDatabase, kind: str, analyzed: str
) -> None:
    leave_unanalyzed(loop_db)
    if analyzed == "when it was empty":
        loop_db.rows("analyze")
    elif analyzed == "when it had others":
        _add_many(loop_db, _MISTAKEN[kind])
        loop_db.rows("analyze")
        # The statistics of the columns stay.
        loop_db.rows("truncate pgqueue.jobs, pgqueue.attempts")
    _add_many(loop_db, kind)

    plans = _batch(fetcher_db, loop_db)

    claimed = {file: plan["Actual Rows"] for file, plan in plans.items() if file != "find_ready"}
    assert dict.fromkeys(("claim", "settle", "promote", "prune"), _BATCH) == claimed
    assert {} == {scan: n for scan, n in _blocks(plans).items() if n > _BLOCKS_MAX}
    # A smaller index could be read whole without passing the bound.
    [size] = loop_db.row(f"select pg_relation_size('pgqueue.{_INDEXES[kind]}') / 8192")
    assert size > _BLOCKS_MAX


@pytest.mark.own_session
@pytest.mark.parametrize(
    "kind, drop, seen",
    [
        ("queued", "drop index pgqueue.jobs_ready", {"claim", "find_ready"}),
        ("scheduled", "drop index pgqueue.jobs_scheduled", {"find_ready"}),
        ("scheduled", "drop index pgqueue.jobs_due", {"promote"}),
        ("finished", "drop index pgqueue.jobs_kept_until", {"prune"}),
        (
            "finished",
            "alter table pgqueue.jobs drop constraint jobs_pkey",
            {"claim", "settle", "promote", "prune"},
        ),
    ],
)
def test_the_block_count_detects_a_missing_index(
    fetcher_db: QueueDatabase, loop_db: QueueDatabase, kind: str, drop: str, seen: set[str]
) -> None:
    leave_unanalyzed(loop_db)
    _add_many(loop_db, kind)
    loop_db.rows(drop)

    blocks = _blocks(_batch(fetcher_db, loop_db))

    assert seen == {scan.partition(":")[0] for scan, n in blocks.items() if n > _BLOCKS_MAX}


def _add_many(db: QueueDatabase, kind: str) -> None:
    """Insert many jobs of a kind, in batches that each end within the statement timeout."""
    for first in range(1, _PLAN_ROWS + 1, 100_000):
        last = min(first + 99_999, _PLAN_ROWS)
        db.rows(_MANY[kind], first=first, last=last, rows=_PLAN_ROWS)


def _batch(fetcher_db: QueueDatabase, loop_db: QueueDatabase) -> dict[str, dict[str, Any]]:
    """The executed plans of one batch of each statement; jobs for every batch are added first."""
    worker_id = fetcher_db.worker()
    loop_db.rows(
        """
        insert into pgqueue.jobs (task, status, kept_until)
        select 't', status, case when status = 'succeeded' then clock_timestamp() end
        from generate_series(1, 10)
        cross join unnest(array['queued', 'scheduled', 'succeeded']) as status
        """
    )
    claim = claiming.claim(
        worker_id=worker_id,
        executor="greenlet",
        queues=["queue 1", "default"],
        unknown_tasks=[],
        jobs_max=_BATCH,
        slots_free=_BATCH,
    )
    outcomes = cycle((Outcome.SUCCEEDED, Outcome.FAILED))
    ends = [
        Settlement(attempt.id, attempt.attempt, worker_id, outcome)
        for attempt, outcome in zip(run(fetcher_db.link, claim), outcomes, strict=False)
    ]
    statements: dict[str, tuple[QueueDatabase, Statement[Any]]] = {
        "claim": (fetcher_db, claim),
        "settle": (loop_db, settlements.settle(ends)),
        # The dispatcher has the settings of a fetcher.
        "find_ready": (fetcher_db, queues.find_ready()),
        "promote": (fetcher_db, promotion.promote(_BATCH)),
        "prune": (loop_db, retention.prune(_BATCH)),
    }
    return {
        file: plan_of(db, file, statement.params, "analyze, buffers, ")
        for file, (db, statement) in statements.items()
    }


def _blocks(plans: Mapping[str, dict[str, Any]]) -> dict[str, int]:
    """The blocks that each scan of a large table read, by its statement and index."""
    return {
        f"{file}: {number}, {node['Node Type']} {node.get('Index Name', node['Relation Name'])}": (
            node["Shared Hit Blocks"] + node["Shared Read Blocks"]
        )
        for file, plan in plans.items()
        for number, node in enumerate(plan_nodes(plan))
        if node.get("Relation Name") in ("jobs", "attempts", "logs")
        and node["Node Type"].endswith("Scan")
    }
