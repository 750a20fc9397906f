"""Events as log lines: the event's name as the phrase, its fields as the record's `extra`.

The logger is `pgqueue.` with the noun of the event: `worker.started` is logged as "worker started"
on `pgqueue.worker`.
"""

import functools
import logging
from typing import Any

from pgqueue.core.events.event import LoggedEvent, listen
from pgqueue.core.own_logger import own_logger


@functools.cache
def install() -> None:
    """Log every event that has a log line, from now on; a second call does nothing."""
    listen(LoggedEvent, log_event)


def log_event(event: LoggedEvent) -> None:
    """Write the log line of an event."""
    level = event.level
    logger = _logger(event.NAME)
    if logger.isEnabledFor(level):
        error: Any = getattr(event, "error", None)
        logger.log(level, _phrase(event.NAME), extra=event.fields(), exc_info=error)


@functools.cache
def _logger(name: str) -> logging.Logger:
    return own_logger(f"pgqueue.{name.partition('.')[0]}")


def _phrase(name: str) -> str:
    return name.replace(".", " ").replace("_", " ")
