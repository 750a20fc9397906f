"""What the database refuses, reported once for each constraint or trigger."""

from typing import Final

from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.store.database_errors import refusal_source

# One line each ten minutes for a constraint that refuses a thousand rows a second.
_QUIET_SECONDS: Final = 600.0
_SOURCES_MAX: Final = 100


class RefusalReports:
    """Decides which refusals are reported.

    Any thread may call it: two reports of one source are the worst outcome of a race.
    """

    def __init__(self, clock: Clock = MONOTONIC) -> None:
        self._clock = clock
        self._quiet: dict[str, Timer] = {}

    def is_due(self, error: BaseException) -> bool:
        """Whether no refusal of the same constraint or trigger was reported lately."""
        source = refusal_source(error)
        timer = self._quiet.get(source)
        if timer is not None and not timer.is_due:
            return False
        if len(self._quiet) >= _SOURCES_MAX:
            self._quiet = {}
        self._quiet[source] = Timer(self._clock, seconds=_QUIET_SECONDS)
        return True
