"""Curves for the charts of the documentation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg

from benchmarks import drain, own, reference
from benchmarks.backlog import fill
from benchmarks.drain import open_snapshot, work_off
from benchmarks.rate import rate
from benchmarks.server import Server
from benchmarks.size import Size

BATCHES = (1, 10, 100, 500)

# The statements of the smallest batch, which take a few seconds.
_STATEMENTS = 5_000

# The points of a line, enough to show its trend.
_STRETCHES = 30

_PER_STRETCH = """
select
  extract(epoch from max(finished_at) - min(min(finished_at)) over ())::float8,
  count(*)
from (
  select finished_at, ntile(%s) over (order by finished_at) as stretch
  from {table}
) as ended
group by stretch
order by stretch
"""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one line of a chart."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]


def under_snapshot(server: Server, size: Size) -> list[Curve]:
    """Jobs a second under an open snapshot: claims from a cursor, and claims from the start."""
    with server.database() as url:
        fill(url, size.under_snapshot)
        with open_snapshot(url):
            work_off(url, size.under_snapshot, "--processes", "2")
        ours = _over_time("pgqueue, two processes", url, "pgqueue.attempts")
    with reference.drained(server, count=size.under_snapshot, has_snapshot=True) as url:
        rate(url, size.under_snapshot, table=reference.ATTEMPTS)
        plain = _over_time("reference: claims from the start, SQL alone", url, reference.ATTEMPTS)
    return [ours, plain]


def by_batch(server: Server, size: Size) -> list[Curve]:
    """Jobs a second of SQL alone, by the number of jobs in a statement."""
    lean, ours = list[float](), list[float]()
    for batch in BATCHES:
        # Small batches are slow: they get fewer jobs.
        even = reference.CLIENTS * batch
        count = max(1, min(size.jobs, _STATEMENTS * batch) // even) * even
        lean.append(reference.reference(server, count=count, batch=batch))
        ours.append(own.own(server, count=count, batch=batch))
    return [
        Curve("pgqueue's SQL alone", BATCHES, ours),
        Curve("reference's SQL alone", BATCHES, lean),
    ]


def by_backlog(server: Server, size: Size) -> list[Curve]:
    """Jobs a second of the first jobs, by the number of queued jobs."""
    count = size.jobs // 2
    backlogs = [count, count * 6, size.others]
    rates = [_first_of(server, count, backlog) for backlog in backlogs]
    return [Curve("pgqueue, one process", backlogs, rates)]


ALL: dict[str, tuple[str, Callable[[Server, Size], list[Curve]]]] = {
    "held-snapshot": ("P3", under_snapshot),
    "batch-size": ("P1", by_batch),
    "backlog": ("P4", by_backlog),
}
"""By the name of the chart: its goal, and the function that measures it."""


def _first_of(server: Server, count: int, backlog: int) -> float:
    with server.database() as url:
        fill(url, backlog)
        return work_off(url, count, more=drain.IN_FLIGHT_MAX)


def _over_time(name: str, url: str, table: str) -> Curve:
    with psycopg.connect(url) as connection:
        text = _PER_STRETCH.format(table=table).encode()
        rows = connection.execute(text, [_STRETCHES]).fetchall()
    xs, ys, before = list[float](), list[float](), 0.0
    for seconds, count in rows:
        if seconds > before:
            xs.append(seconds)
            ys.append(count / (seconds - before))
        before = seconds
    return Curve(name, xs, ys)
