"""Statements that run all the time keep to the indexes that their heads promise.

Looked at with 100,000 jobs, as PostgreSQL plans them for a first time and once it has seen them
often enough to prefer a generic plan. A plan that reads the whole table would do so several times
a second.

Blocks are counted beside PLAN_ROWS jobs of one kind, 30,000 where it is not set; with 1,000,000
that takes some minutes.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import cycle
from typing import Any

import claiming
import psycopg
import pytest
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import Outcome
from pgqueue.store import logs, progress, promotion, queues, retention, settlements
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.session import GENERIC_PLANS, INDEX_ORDER_ONLY
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import Statement, run

JOBS = """
    insert into pgqueue.jobs (
      id, queue, task, status, priority, run_at, executor, attempt, worker_id, started_at,
      deadline_at, expires_at, kept_until, finished_at
    )
    select
      n,
      'queue ' || n %% 7,
      'task ' || n %% 11,
      case
        when n %% 100 < 60 then 'succeeded'
        when n %% 100 < 70 then 'failed'
        when n %% 100 < 80 then 'scheduled'
        when n %% 100 < 99 then 'queued'
        else 'running'
      end,
      n %% 5,
      clock_timestamp() + make_interval(secs => n - 50000),
      (array['greenlet', 'asyncio', 'process'])[1 + n %% 3],
      case when n %% 100 in (99) then 1 else 0 end,
      case when n %% 100 in (99) then n %% 20 end,
      case when n %% 100 in (99) then clock_timestamp() end,
      case when n %% 100 in (99) then clock_timestamp() + make_interval(secs => n %% 3600 - 60) end,
      case when n %% 50 = 0 then clock_timestamp() + make_interval(secs => n - 1000) end,
      case when n %% 100 < 60 then clock_timestamp() + make_interval(secs => n - 1000) end,
      case when n %% 100 < 70 then clock_timestamp() end
    from generate_series(1, 100000) as n
"""
ATTEMPTS = """
    insert into pgqueue.attempts (job_id, attempt, outcome)
    select n, 1, 'succeeded'
    from generate_series(1, 100000) as n
"""
LOGS = """
    insert into pgqueue.logs (job_id, attempt, level, message)
    select n, 1, 'INFO', 'said'
    from generate_series(1, 100000) as n
"""
WORKERS = """
    insert into pgqueue.workers (
      id, supervisor_id, executor, slots, host, queues, lease_until, stopped_at
    )
    select n, n / 5, 'greenlet', 10, 'here', '{default}', clock_timestamp(),
      case when n %% 5 = 0 then clock_timestamp() end
    from generate_series(1, 20) as n
"""
REQUESTS = """
    insert into pgqueue.requests (kind, worker_id, job_id, attempt, answered_at)
    select 'cancel', n %% 20, n, 1, case when n > 10 then clock_timestamp() end
    from generate_series(1, 20000) as n
"""

TOKEN = {"id": 99, "attempt": 1, "worker_id": 19}
STATEMENTS: dict[str, tuple[dict[str, object], set[str]]] = {
    "claim": (
        {
            "worker_id": 1,
            "executor": "greenlet",
            "queues": ["queue 1", "queue 1", "queue 2"],
            "priorities": [100, 3, 100],
            "afters": [0, 2_000, 0],
            "until_priorities": [4, 3, -100],
            "unknown_tasks": ["task 3"],
            "jobs_max": 10,
            "slots_free": 10,
        },
        {"jobs_ready", "jobs_pkey"},
    ),
    "settle": (
        {
            "ids": "{99}",
            "attempts": "{1}",
            "worker_ids": "{19}",
            "waited_seconds": "{0}",
            "ended": json.dumps([{**TOKEN, "outcome": "failed"}]),
        },
        {"jobs_pkey", "attempts_pkey", "logs_pkey"},
    ),
    "promote": ({"jobs_max": 100, "refused": [1, 2]}, {"jobs_scheduled", "jobs_pkey"}),
    "find_ready": ({}, {"jobs_ready", "jobs_scheduled"}),
    "find_overdue": ({"supervisor_id": 1, "grace_seconds": 5.0}, {"jobs_running"}),
    "open_requests": ({"supervisor_id": 1}, {"requests_open", "jobs_pkey"}),
    "find_orphaned": ({"after_id": 0, "jobs_max": 100}, {"jobs_running"}),
    "expire": ({"jobs_max": 100, "refused": [1, 2]}, {"jobs_expires_at", "jobs_pkey"}),
    "prune": (
        {"jobs_max": 100, "refused": [1, 2]},
        {"jobs_kept_until", "jobs_pkey", "attempts_pkey", "logs_pkey"},
    ),
    "first_scheduled": ({"refused": [1, 2]}, {"jobs_scheduled"}),
    "first_expired": ({"refused": [1, 2]}, {"jobs_expires_at"}),
    "first_prunable": ({"refused": [1, 2]}, {"jobs_kept_until"}),
    "add_log_lines": (
        {"lines": json.dumps([{**TOKEN, "message": "said", "number": 1}])},
        {"jobs_pkey"},
    ),
    "write_progress": (
        {"progress": json.dumps([{**TOKEN, "progress": 0.5}])},
        {"jobs_pkey"},
    ),
    "read_job": ({"job_id": 99}, {"jobs_pkey"}),
    "list_attempts": ({"job_id": 99}, {"attempts_pkey"}),
    "list_logs": ({"job_id": 99, "after": 0, "lines_max": 100}, {"logs_pkey"}),
}


def test_statements_keep_to_their_indexes_with_a_hundred_thousand_jobs(
    db: QueueDatabase,
) -> None:
    for question in (JOBS, ATTEMPTS, LOGS, WORKERS, REQUESTS):
        db.rows(question)
    db.rows("analyze")
    left: list[str] = []

    for file, (params, promised) in STATEMENTS.items():
        for times in (1, 10):
            used = _scans(_plan(db, file, params, times=times))
            left += [f"{file}, executed {times} times: {each}" for each in used - promised]

    assert [] == left


# What is read whole, because it holds nothing but what is asked for, or because one row is enough.
_WHOLE = {
    ("find_ready", "jobs_ready"),
    ("open_requests", "requests_open"),
    ("find_orphaned", "jobs_running"),
    ("count_unfinished", "jobs_ready"),
    ("count_unfinished", "jobs_running"),
}


def test_what_a_loop_asks_reads_no_index_whole(steady: QueueDatabase) -> None:
    for question in (JOBS, ATTEMPTS, LOGS, WORKERS, REQUESTS):
        steady.rows(question)
    steady.rows("analyze")
    asked = {**STATEMENTS, "count_unfinished": ({"queues": ["queue 1"], "prefixes": []}, set())}

    whole = {
        (file, str(node["Index Name"]))
        for file, (params, _) in asked.items()
        for node in _nodes(_plan(steady, file, params, times=2))
        if "Index Name" in node and "Index Cond" not in node and "workers" not in node["Index Name"]
    }
    left = {
        (file, each)
        for file, (params, _) in asked.items()
        for each in _scans(_plan(steady, file, params, times=2))
        if " on " in each
    }

    assert set() == whole - _WHOLE
    assert set() == left


def test_a_plan_that_leaves_its_index_is_seen(db: QueueDatabase) -> None:
    with db.link.raw.transaction(force_rollback=True):
        db.rows(JOBS)
        db.rows("drop index pgqueue.jobs_scheduled")

        used = _scans(_plan(db, "promote", {"jobs_max": 10, "refused": []}))

    assert "Seq Scan on jobs" in used


@pytest.fixture
def counter(database_url: str) -> Iterator[QueueDatabase]:
    """The database as a fetcher sees it."""
    link = Database(database_url).open("pgqueue fetcher", INDEX_ORDER_ONLY)
    yield QueueDatabase(link)
    link.close()


@pytest.fixture
def steady(database_url: str) -> Iterator[QueueDatabase]:
    """The database as a loop sees it."""
    link = Database(database_url).open("pgqueue finisher", GENERIC_PLANS)
    yield QueueDatabase(link)
    link.close()


# What the planner believes of the jobs: nothing, that there are few, or the truth.
_ANALYZED = ("never", "when it was empty", "now")


@pytest.mark.own_session
@pytest.mark.parametrize("analyzed", _ANALYZED)
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_a_claim_reads_no_more_than_it_takes(
    counter: QueueDatabase, mode: str, analyzed: str
) -> None:
    counter.rows("alter table pgqueue.jobs set (autovacuum_enabled = false)")
    if analyzed == "when it was empty":
        counter.rows("analyze")
    counter.rows(JOBS)
    counter.rows(WORKERS)
    if analyzed == "now":
        counter.rows("analyze")
    counter.rows(f"set plan_cache_mode = {mode}")
    params = {**STATEMENTS["claim"][0], "unknown_tasks": [], "jobs_max": 10}

    plan = _plan(counter, "claim", params, "analyze, ")

    scans = [node for node in _nodes(plan) if node.get("Index Name") == "jobs_ready"]
    assert ["Index Scan"] == [node["Node Type"] for node in scans]
    assert 10 <= scans[0]["Actual Rows"] * scans[0]["Actual Loops"] <= 20


@pytest.mark.own_session
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_a_claim_from_its_place_reads_nothing_of_what_was_taken(
    counter: QueueDatabase, database_url: str, mode: str
) -> None:
    worker_id = counter.worker()
    counter.rows("insert into pgqueue.jobs (task) select 't' from generate_series(1, 6000)")
    counter.rows("analyze")
    counter.rows(f"set plan_cache_mode = {mode}")
    with psycopg.connect(database_url) as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select 1")
        taken = counter.claim(worker_id, jobs_max=5000, slots_free=5000)
        ends = [Settlement(each.id, each.attempt, worker_id, Outcome.SUCCEEDED) for each in taken]
        run(counter.link, settlements.settle(ends))

        front, behind = (
            _buffers(_plan(counter, "claim", _claim(worker_id, after), "analyze, buffers, "))
            for after in (0, taken[-1].position)
        )

    # Six thousand entries lie in dozens of blocks, and their rows in a hundred.
    assert behind < 15
    assert front > 5 * behind


@pytest.mark.own_session
@pytest.mark.parametrize("file", ["settle", "add_log_lines", "write_progress"])
@pytest.mark.parametrize("analyzed", _ANALYZED)
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_a_worker_finds_its_attempts_by_their_keys(
    steady: QueueDatabase, file: str, mode: str, analyzed: str
) -> None:
    db = steady
    db.rows("alter table pgqueue.jobs set (autovacuum_enabled = false)")
    if analyzed == "when it was empty":
        db.rows("analyze")
    db.rows("insert into pgqueue.jobs (task) select 't' from generate_series(1, 6000)")
    held = db.claim(db.worker(), jobs_max=100, slots_free=100)
    if analyzed == "now":
        db.rows("analyze")
    db.rows(f"set plan_cache_mode = {mode}")

    used = _scans(_plan(db, file, _params(file, held)))

    assert {"jobs_pkey"} == {index for index in used if "jobs" in index}


# Of the other jobs, when the plan is made that is kept from then on.
_SIZES = (0, 30, 300, 3_000)


@pytest.mark.own_session
@pytest.mark.parametrize("size", _SIZES)
def test_a_plan_that_was_made_in_a_small_table_reads_none_of_it_whole(
    steady: QueueDatabase, size: int
) -> None:
    _small(steady, size)

    whole = {
        (file, index)
        for file, (params, _) in STATEMENTS.items()
        for index in _whole(_plan(steady, file, params))
    }

    assert set() == whole - _WHOLE


@pytest.mark.own_session
@pytest.mark.parametrize("size", _SIZES)
def test_a_claim_that_was_planned_in_a_small_table_reads_none_of_it_whole(
    counter: QueueDatabase, size: int
) -> None:
    _small(counter, size)

    plan = _plan(counter, "claim", STATEMENTS["claim"][0])

    assert [] == _whole(plan)


_PLAN_ROWS = int(os.environ.get("PLAN_ROWS", "30000"))

# One kind of jobs in the table, and another that the planner takes it to be full of.
_MISTAKEN = {"queued": "finished", "scheduled": "queued", "finished": "scheduled"}

# Half of what waits for a time is due, and half of what is kept is over: to gather all of that is
# what a planner likes that does not know a limit. What comes next lies all over the table.
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

# Of one scan, for a batch: it was 33 at the most among a million jobs, and 27 among 30,000, whose
# smallest index has 82 blocks and whose table has more than a thousand.
_BLOCKS_MAX = 50


@pytest.mark.own_session
@pytest.mark.parametrize("analyzed", ["never", "when it was empty", "when it held others"])
@pytest.mark.parametrize("kind", _MANY)
def test_a_batch_reads_no_more_blocks_beside_many_jobs_whatever_the_planner_believes(
    counter: QueueDatabase, steady: QueueDatabase, kind: str, analyzed: str
) -> None:
    _leave_unanalyzed(steady)
    if analyzed == "when it was empty":
        steady.rows("analyze")
    elif analyzed == "when it held others":
        _add_many(steady, _MISTAKEN[kind])
        steady.rows("analyze")
        # What is believed of the columns stays.
        steady.rows("truncate pgqueue.jobs, pgqueue.attempts")
    _add_many(steady, kind)

    plans = _batch(counter, steady)

    taken = {file: plan["Actual Rows"] for file, plan in plans.items() if file != "find_ready"}
    assert dict.fromkeys(("claim", "settle", "promote", "prune"), _BATCH) == taken
    assert {} == {scan: n for scan, n in _blocks(plans).items() if n > _BLOCKS_MAX}
    # Else the bound would not tell all of the index from some of it.
    [size] = steady.row(f"select pg_relation_size('pgqueue.{_INDEXES[kind]}') / 8192")
    assert size > _BLOCKS_MAX


@pytest.mark.own_session
@pytest.mark.parametrize(
    "kind, drop, seen",
    [
        ("queued", "drop index pgqueue.jobs_ready", {"claim", "find_ready"}),
        ("scheduled", "drop index pgqueue.jobs_scheduled", {"find_ready", "promote"}),
        ("finished", "drop index pgqueue.jobs_kept_until", {"prune"}),
        (
            "finished",
            "alter table pgqueue.jobs drop constraint jobs_pkey",
            {"claim", "settle", "promote", "prune"},
        ),
    ],
)
def test_blocks_that_a_lost_index_costs_are_seen(
    counter: QueueDatabase, steady: QueueDatabase, kind: str, drop: str, seen: set[str]
) -> None:
    _leave_unanalyzed(steady)
    _add_many(steady, kind)
    steady.rows(drop)

    blocks = _blocks(_batch(counter, steady))

    assert seen == {scan.partition(":")[0] for scan, n in blocks.items() if n > _BLOCKS_MAX}


def _leave_unanalyzed(db: QueueDatabase) -> None:
    for table in ("jobs", "attempts", "logs"):
        db.rows(f"alter table pgqueue.{table} set (autovacuum_enabled = false)")


def _add_many(db: QueueDatabase, kind: str) -> None:
    """In portions, each of which is done within the limit of a statement."""
    for first in range(1, _PLAN_ROWS + 1, 100_000):
        last = min(first + 99_999, _PLAN_ROWS)
        db.rows(_MANY[kind], first=first, last=last, rows=_PLAN_ROWS)


def _batch(counter: QueueDatabase, steady: QueueDatabase) -> dict[str, dict[str, Any]]:
    """The plans of one batch of each kind, executed; there is a batch of each whatever else is."""
    worker_id = counter.worker()
    steady.rows(
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
        Settlement(each.id, each.attempt, worker_id, outcome)
        for each, outcome in zip(run(counter.link, claim), outcomes, strict=False)
    ]
    asked: dict[str, tuple[QueueDatabase, Statement[Any]]] = {
        "claim": (counter, claim),
        "settle": (steady, settlements.settle(ends)),
        "find_ready": (steady, queues.find_ready()),
        "promote": (steady, promotion.promote(_BATCH)),
        "prune": (steady, retention.prune(_BATCH)),
    }
    return {
        file: _plan(db, file, statement.params, "analyze, buffers, ")
        for file, (db, statement) in asked.items()
    }


def _blocks(plans: Mapping[str, dict[str, Any]]) -> dict[str, int]:
    """The blocks that each scan of our large tables read, with the index that it goes by."""
    return {
        f"{file}: {number}, {node['Node Type']} {node.get('Index Name', node['Relation Name'])}": (
            node["Shared Hit Blocks"] + node["Shared Read Blocks"]
        )
        for file, plan in plans.items()
        for number, node in enumerate(_nodes(plan))
        if node.get("Relation Name") in ("jobs", "attempts", "logs")
        and node["Node Type"].endswith("Scan")
    }


def _small(db: QueueDatabase, size: int) -> None:
    """So many jobs, of which the planner knows that none runs, and one that may."""
    _leave_unanalyzed(db)
    db.rows(f"insert into pgqueue.jobs (task) select 't' from generate_series(1, {size})")
    db.rows("analyze")
    db.enqueue()


def _whole(plan: dict[str, Any]) -> list[str]:
    """By which indexes large tables are read that no key bounds."""
    return [
        node.get("Index Name", "none")
        for node in _nodes(plan)
        if node.get("Relation Name") in ("jobs", "attempts", "logs")
        and node["Node Type"].endswith("Scan")
        and not ("Index Cond" in node or "Recheck Cond" in node)
    ]


def _params(file: str, held: Iterable[ClaimedAttempt]) -> Mapping[str, object]:
    """What a worker asks of attempts that it holds."""
    tokens = [(each.id, each.attempt, each.worker_id) for each in held]
    if file == "settle":
        return settlements.settle(Settlement(*token, Outcome.FAILED) for token in tokens).params
    if file == "add_log_lines":
        lines = (NewLogLine(*token, 0.0, "INFO", "", "said", 1) for token in tokens)
        return logs.add_log_lines(lines).params
    return progress.write_progress(Progress(*token, 0.5, "said") for token in tokens).params


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
    }


def _buffers(plan: dict[str, Any]) -> int:
    """The blocks that were read to find the jobs."""
    [scan] = [node for node in _nodes(plan) if node.get("Index Name") == "jobs_ready"]
    return int(scan["Shared Hit Blocks"] + scan["Shared Read Blocks"])


def _plan(
    db: QueueDatabase,
    file: str,
    params: Mapping[str, object],
    options: str = "",
    times: int = 1,
) -> dict[str, Any]:
    """The plan of a statement, prepared as psycopg prepares it, when it is used so many times."""
    numbers: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return numbers.setdefault(match[1], f"${len(numbers) + 1}")

    text = re.sub(r"%\((\w+)\)s", number, db.link.schema.render(file))
    db.link.raw.execute(f"prepare statement as {text}".encode())
    values = ", ".join(f"%({name})s" for name in numbers)
    execute = f"explain ({options}format json) execute statement"
    with psycopg.ClientCursor(db.link.raw) as cursor:
        for _ in range(times):
            cursor.execute((f"{execute} ({values})" if values else execute).encode(), params)
        row = cursor.fetchone()
    db.rows("deallocate statement")
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def _scans(plan: dict[str, Any]) -> set[str]:
    """The indexes a plan reads, and the large tables that it reads without one."""
    found = set()
    for node in _nodes(plan):
        if "Index Name" in node:
            found.add(node["Index Name"])
        elif node.get("Relation Name") in ("jobs", "attempts", "logs") and node["Node Type"] in (
            "Seq Scan",
            "Tid Scan",
            "Sample Scan",
        ):
            found.add(f"{node['Node Type']} on {node['Relation Name']}")
    return found - {"workers_pkey", "workers_live"}


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
