"""Numbers that children report to their supervisor."""

from typing import NamedTuple


class Counters(NamedTuple):
    """What one child reported last.

    Attributes:
        busy_slots: Jobs that it runs now.
        run_seconds: Moving average of its recent runs; None without any.
        claimed: Jobs claimed since its start.
        succeeded: Jobs that succeeded since its start.
        failed: Jobs that failed since its start.
    """

    busy_slots: int
    run_seconds: float | None
    claimed: int
    succeeded: int
    failed: int


class Usage(NamedTuple):
    """What all workers of a supervisor do now.

    Attributes:
        slots: Jobs that they can run at once.
        busy_slots: Jobs that they run.
        run_seconds: Average length of recent runs; None without any.
    """

    slots: int
    busy_slots: int
    run_seconds: float | None
