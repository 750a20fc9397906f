"""Drain rates of the reference design of `reference.sql`, by pgbench without any Python."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psycopg

from benchmarks.drain import open_snapshot
from benchmarks.pgbench import pgbench
from benchmarks.rate import rate
from benchmarks.server import Server
from benchmarks.tasks import noop

BATCH = 100
CLIENTS = 2
ATTEMPTS = "reference_attempts"

HERE = Path(__file__).parent
_FILL = """
insert into reference_jobs (task, args)
select %s, jsonb_build_object('n', n)
from generate_series(1, %s) as n
"""


def reference(server: Server, *, count: int, batch: int = BATCH) -> float:
    """Jobs a second of one drain to the last job.

    Args:
        batch: Jobs in a claim; *count* is a multiple of twice this number.
    """
    with drained(server, count=count, batch=batch) as url:
        return rate(url, count, table=ATTEMPTS)


@contextmanager
def drained(
    server: Server, *, count: int, batch: int = BATCH, has_snapshot: bool = False
) -> Iterator[str]:
    """The URL of a database whose jobs the reference design has run; see `reference`."""
    with server.database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((HERE / "reference.sql").read_bytes())
            connection.execute(_FILL, [noop.name, count])
            connection.execute("vacuum analyze reference_jobs")
            connection.execute("checkpoint")
        words = ("-D", f"batch={batch}", "-t", str(count // (CLIENTS * batch)))
        script = (HERE / "reference.pgbench").read_text()
        with open_snapshot(url) if has_snapshot else nullcontext():
            pgbench(server, url, script, *words, clients=CLIENTS)
        yield url
