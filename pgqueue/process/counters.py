"""The numbers that a child reports about itself, and what they say of its supervisor."""

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
        slots: Jobs that can run at once when every wanted worker runs.
        busy_slots: Jobs that run now.
        run_seconds: The mean of the children's averages; None while no child has one.
    """

    slots: int
    busy_slots: int
    run_seconds: float | None


def usage_of(slots: int, children: Iterable[Counters]) -> Usage:
    """The usage of wanted slots, from the counters of the live children."""
    rows = list(children)
    averages = [counters.run_seconds for counters in rows if counters.run_seconds is not None]
    return Usage(
        slots=slots,
        busy_slots=sum(counters.busy_slots for counters in rows),
        run_seconds=sum(averages) / len(averages) if averages else None,
    )
