"""Curves: what a single number does not show, for the charts of the documentation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg

from benchmarks import drain, own, reference
from benchmarks.backlog import fill
from benchmarks.drain import snapshot_held, work_off
from benchmarks.place import Place
from benchmarks.rate import rate
from benchmarks.size import Size

BATCHES = (1, 10, 100, 500)

# Of the smallest batch: a few seconds.
_STATEMENTS = 5_000

# Of a jittering line; enough of them for its trend.
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


def held(place: Place, size: Size) -> list[Curve]:
    """Jobs a second while a snapshot is held: of claims with a place, and from the front."""
    with place.database() as url:
        fill(url, size.held)
        with snapshot_held(url):
            work_off(url, size.held, "--processes", "2")
        ours = _over_time("pgqueue, two processes", url, "pgqueue.attempts")
    with reference.drained(place, count=size.held, is_held=True) as url:
        rate(url, size.held, table=reference.ATTEMPTS)
        plain = _over_time("reference: claims from the front, SQL alone", url, reference.ATTEMPTS)
    return [ours, plain]


def by_batch(place: Place, size: Size) -> list[Curve]:
    """Jobs a second of SQL alone, by the number of jobs in a statement."""
    lean, ours = list[float](), list[float]()
    for batch in BATCHES:
        # Small batches are slow, so they get fewer jobs.
        even = reference.CLIENTS * batch
        count = max(1, min(size.jobs, _STATEMENTS * batch) // even) * even
        lean.append(reference.reference(place, count=count, batch=batch))
        ours.append(own.own(place, count=count, batch=batch))
    return [
        Curve("pgqueue's SQL alone", BATCHES, ours),
        Curve("reference's SQL alone", BATCHES, lean),
    ]


def by_backlog(place: Place, size: Size) -> list[Curve]:
    """Jobs a second of the first ones, by the number of jobs that were queued."""
    count = size.jobs // 2
    backlogs = [count, count * 6, size.others]
    rates = [_first_of(place, count, backlog) for backlog in backlogs]
    return [Curve("pgqueue, one process", backlogs, rates)]


ALL: dict[str, tuple[str, Callable[[Place, Size], list[Curve]]]] = {
    "held-snapshot": ("P3", held),
    "batch-size": ("P1", by_batch),
    "backlog": ("P4", by_backlog),
}
"""By the name of the chart, with the goal that it belongs to."""


def _first_of(place: Place, count: int, backlog: int) -> float:
    with place.database() as url:
        fill(url, backlog)
        return work_off(url, count, more=drain.IN_HAND_MAX)


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
