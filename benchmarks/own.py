"""Drain rates of pgqueue's own claim and settlement, sent by pgbench without any Python."""

import re

import psycopg

from benchmarks.backlog import fill
from benchmarks.pgbench import pgbench
from benchmarks.rate import rate
from benchmarks.reference import CLIENTS, HERE
from benchmarks.server import Server
from pgqueue.store.claims import POSITION_MIN, PRIORITY_MAX, PRIORITY_MIN
from pgqueue.store.schema_name import Schema

_ARGUMENTS = {
    "worker_id": "_worker",
    "executor": "'greenlet'",
    "queues": "'{default}'",
    "priorities": f"'{{{PRIORITY_MAX}}}'",
    "afters": f"'{{{POSITION_MIN}}}'",
    "until_priorities": f"'{{{PRIORITY_MIN}}}'",
    "unknown_tasks": "'{}'",
    "jobs_max": "_batch",
    "slots_free": "_batch",
    "ids": "_ids",
    "attempts": "_attempts",
    "worker_ids": "array_fill(_worker, array[cardinality(_ids)])",
    "waited_seconds": "array_fill(0::float8, array[cardinality(_ids)])",
    "ended": "'[]'",
}
_SCRIPT = """
select ids, attempts from bench_claim(:client_id, :batch) \\gset
select bench_settle(:client_id, :ids, :attempts);
"""


def own(server: Server, *, count: int, batch: int) -> float:
    """Jobs a second of one drain to the last job.

    Args:
        batch: Jobs in a claim; *count* is a multiple of twice this number.
    """
    texts = {name: _with_arguments(Schema().render(name)) for name in ("claim", "settle")}
    with server.database() as url:
        with psycopg.connect(url) as connection:
            connection.execute((HERE / "own.sql").read_text().format(**texts).encode())
        fill(url, count)
        words = ("-D", f"batch={batch}", "-t", str(count // (CLIENTS * batch)))
        pgbench(server, url, _SCRIPT, *words, clients=CLIENTS)
        return rate(url, count)


def _with_arguments(text: str) -> str:
    named = re.sub(r"%\((\w+)\)s", lambda match: _ARGUMENTS[match[1]], text)
    return named.strip().removesuffix(";").replace("%%", "%") + "\n"
