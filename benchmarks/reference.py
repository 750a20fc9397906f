"""The reference design of `reference.sql`, worked off by pgbench without any Python."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psycopg

from benchmarks.drain import snapshot_held
from benchmarks.pgbench import pgbench
from benchmarks.place import Place
from benchmarks.rate import rate
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


def reference(place: Place, *, count: int, batch: int = BATCH) -> float:
    """Jobs a second of one drain to the last job.

    Args:
        batch: Jobs in a claim; twice as many divide the count.
    """
    with drained(place, count=count, batch=batch) as url:
        return rate(url, count, table=ATTEMPTS)


@contextmanager
def drained(
    place: Place, *, count: int, batch: int = BATCH, is_held: bool = False
) -> Iterator[str]:
    """A database in which the reference design has done its jobs; see `reference`."""
    with place.database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((HERE / "reference.sql").read_bytes())
            connection.execute(_FILL, [noop.name, count])
            connection.execute("vacuum analyze reference_jobs")
            connection.execute("checkpoint")
        words = ("-D", f"batch={batch}", "-t", str(count // (CLIENTS * batch)))
        script = (HERE / "reference.pgbench").read_text()
        with snapshot_held(url) if is_held else nullcontext():
            pgbench(place, url, script, *words, clients=CLIENTS)
        yield url
