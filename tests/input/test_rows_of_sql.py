"""Rows that SQL stored run like others; a bad row fails alone."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from matrix.targets import NAME, Target
from matrix.texts import LARGEST_TEXT
from matrix.ways import CASES

from pgqueue import Client
from pgqueue.store.connection.link import Link

# An older release may have stored rows that the constraints refuse now.
LATER = "alter domain pgqueue.job_args drop constraint job_args_{}_check"
OLDER = "insert into pgqueue.jobs (task, args) values (%(task)s, %(args)s)"

UNREADABLE = [
    "1e131071",
    json.dumps([0] * 300).replace("0", "1e131071"),
    "[" * 3_000 + "]" * 3_000,
]


def store_all(client: Client, link: Link, is_selected: Callable[[Target], bool]) -> None:
    """Store by SQL all values of the matrix that PostgreSQL accepts."""
    for case in CASES:
        if case.way.is_sql and is_selected(case.target) and case.value is not LARGEST_TEXT:
            try:
                case.way.put(client, link, case.request() or {})
            except case.way.refusals:
                continue


def test_every_stored_row_becomes_final_and_harms_no_other(
    client: Client, link: Link, work: Any
) -> None:
    store_all(client, link, lambda target: target is not NAME)
    for name in ("depth", "numbers", "size"):
        link.fetch(LATER.format(name), {})
    for text in UNREADABLE:
        link.fetch(OLDER, {"task": "matrix.tasks.keep", "args": f'{{"value": {text}}}'})
    queues = [row[0] for row in link.fetch("select distinct queue from pgqueue.jobs", {})]

    assert 0 == work("--", *queues)

    jobs = client.jobs(limit=1_000)
    statuses = Counter(str(job.status) for job in jobs)
    assert {"succeeded": len(jobs) - len(UNREADABLE), "failed": len(UNREADABLE)} == statuses
    assert all("InvalidArguments" in (job.error or "") for job in jobs if job.status == "failed")


def test_unknown_names_stay_queued(client: Client, link: Link, work: Any) -> None:
    store_all(client, link, lambda target: target is NAME)
    healthy = client.enqueue("matrix.tasks.keep", {"value": 1})

    assert 1 == work()

    assert "succeeded" == healthy.refresh().status
    assert client.count(status="queued") > 0
    assert 0 == client.count(status="running")
