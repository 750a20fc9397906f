"""Events as log lines: the event's name as the phrase, its fields as the record's `extra`.

The logger is `pgqueue.` with the noun of the event: `worker.started` goes to `pgqueue.worker`.
"""

import logging
from typing import Final

from pgqueue.core.events.event import Event, listen

_installed: Final[list[bool]] = []


def install() -> None:
    """Log every event that has a level, from now on; installing twice is no error."""
    if not _installed:
        _installed.append(True)
        listen("*", log_event)


def log_event(event: Event) -> None:
    """Write the log line of an event, if it has one."""
    if (level := event.level) is None:
        return
    noun = event.NAME.partition(".")[0]
    phrase = event.NAME.replace(".", " ").replace("_", " ")
    error = getattr(event, "error", None)
    logger = logging.getLogger(f"pgqueue.{noun}")
    logger.log(level, phrase, extra=event.fields(), exc_info=error)
