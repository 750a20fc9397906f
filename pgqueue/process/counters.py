"""The numbers that a child reports about itself, and their sum over a supervisor's children."""

from collections.abc import Iterable
from typing import NamedTuple


class Counters(NamedTuple):
    """The latest report of a child.

    The child's fetcher sends it on its turns, at most once a second. An idle fetcher takes a turn
    every 2 seconds, and after errors more seldom. So the numbers may be some seconds old.

    Attributes:
        busy_slots: Jobs that run now.
        run_seconds: Moving average of the recent runs; None before the first one has ended.
        claimed: Jobs since the child's start, as are the next two.
    """

    busy_slots: int = 0
    run_seconds: float | None = None
    claimed: int = 0
    succeeded: int = 0
    failed: int = 0


class Usage(NamedTuple):
    """How busy the workers of a supervisor are.

    Attributes:
        slots: Jobs that can run at once.
        busy_slots: Jobs that run now.
        run_seconds: The mean of the children's averages; None while no child has one.
    """

    slots: int
    busy_slots: int
    run_seconds: float | None


def usage_of(children: Iterable[tuple[int, Counters]]) -> Usage:
    """The usage of children, given as pairs of slots and counters."""
    rows = list(children)
    averages = [counters.run_seconds for _, counters in rows if counters.run_seconds is not None]
    return Usage(
        slots=sum(slots for slots, _ in rows),
        busy_slots=sum(counters.busy_slots for _, counters in rows),
        run_seconds=sum(averages) / len(averages) if averages else None,
    )
