"""A hundred thousand jobs, statements with parameters for them, and their plans."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from queue_database import QueueDatabase

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
    select n, 1, 'INFO', 'line'
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
            "args_bytes_max": 1_048_576,
        },
        {"jobs_ready", "jobs_pkey"},
    ),
    "read_claimed": (
        {"worker_id": 19, "ids": [99, 98], "attempts": [1, 1], "args_bytes_max": 1_048_576},
        {"jobs_pkey"},
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
    "promote": (
        {"jobs_max": 100, "refused": [1, 2], "after": None},
        {"jobs_due", "jobs_pkey"},
    ),
    "find_ready": ({}, {"jobs_ready", "jobs_scheduled", "requests_open"}),
    "find_overdue": ({"supervisor_id": 1, "grace_seconds": 5.0}, {"jobs_running"}),
    "open_requests": ({"supervisor_id": 1}, {"requests_open", "jobs_pkey"}),
    "find_orphaned": ({"after_id": 0, "jobs_max": 100}, {"jobs_running"}),
    "expire": (
        {"jobs_max": 100, "refused": [1, 2], "after": None},
        {"jobs_expires_at", "jobs_pkey"},
    ),
    "prune": (
        {"jobs_max": 100, "refused": [1, 2], "after": None},
        {"jobs_kept_until", "jobs_pkey", "attempts_pkey", "logs_pkey"},
    ),
    "first_scheduled": ({"refused": [1, 2], "after": None}, {"jobs_due"}),
    "first_expired": ({"refused": [1, 2], "after": None}, {"jobs_expires_at"}),
    "first_prunable": ({"refused": [1, 2], "after": None}, {"jobs_kept_until"}),
    "delete_rows": (
        {"job_ids": [98, 99], "attempts_max": 1000},
        {"jobs_pkey", "attempts_pkey", "logs_number_key", "logs_pkey"},
    ),
    "find_surplus": (
        {"after_id": 0, "jobs_max": 10},
        {"jobs_pkey", "attempts_pkey", "logs_pkey"},
    ),
    "add_log_lines": (
        {"lines": json.dumps([{**TOKEN, "message": "line", "number": 1}])},
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

# Indexes that a statement reads whole: all entries are in its answer, or the first is enough.
WHOLE = {
    # One probe for each priority, and each stops at its first job.
    ("promote", "jobs_due"),
    ("first_scheduled", "jobs_due"),
    ("find_ready", "jobs_ready"),
    ("open_requests", "requests_open"),
    ("find_ready", "requests_open"),
    ("find_orphaned", "jobs_running"),
    ("count_unfinished", "jobs_ready"),
    ("count_unfinished", "jobs_running"),
}

# The statistics of the jobs: none, of an empty table, or true.
ANALYZED = ("never", "when it was empty", "now")


def add_rows(db: QueueDatabase) -> None:
    """Insert the jobs with their attempts, logs, workers and requests, and analyze the tables."""
    for query in (JOBS, ATTEMPTS, LOGS, WORKERS, REQUESTS):
        db.rows(query)
    db.rows("analyze")


def leave_unanalyzed(db: QueueDatabase) -> None:
    """Turn off autovacuum, which would analyze the tables."""
    for table in ("jobs", "attempts", "logs"):
        db.rows(f"alter table pgqueue.{table} set (autovacuum_enabled = false)")


def unbounded_scans(plan: dict[str, Any]) -> list[str]:
    """The indexes of scans of large tables that no key bounds; `none` for a scan without one."""
    return [
        node.get("Index Name", "none")
        for node in plan_nodes(plan)
        if node.get("Relation Name") in ("jobs", "attempts", "logs")
        and node["Node Type"].endswith("Scan")
        and not ("Index Cond" in node or "Recheck Cond" in node)
    ]


def plan_of(
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


def index_scans(plan: dict[str, Any]) -> set[str]:
    """The indexes a plan reads, and the large tables that it reads without one."""
    scans = set()
    for node in plan_nodes(plan):
        if "Index Name" in node:
            scans.add(node["Index Name"])
        elif node.get("Relation Name") in ("jobs", "attempts", "logs") and node["Node Type"] in (
            "Seq Scan",
            "Tid Scan",
            "Sample Scan",
        ):
            scans.add(f"{node['Node Type']} on {node['Relation Name']}")
    return scans - {"workers_pkey", "workers_live"}


def plan_nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, each before its children."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from plan_nodes(child)
