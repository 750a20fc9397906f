"""Events as log lines: the event's name as the phrase, its fields as the record's `extra`.

The logger is `pgqueue.` with the noun of the event: `worker.started` is logged as "worker started"
on `pgqueue.worker`.
"""

import functools
import logging
from typing import Any

from pgqueue.core.events.catalog import EVENTS
from pgqueue.core.events.event import Event, listen


@functools.cache
def install() -> None:
    """Log every event that has a level, from now on; a second call does nothing."""
    for kind in EVENTS:
        # Nobody listens to the others, so that they are not made: a worker would make three for
        # each job.
        if kind.LEVEL is not None or has_level_of_its_own(kind):
            listen(kind, log_event)


def has_level_of_its_own(kind: type[Event]) -> bool:
    """Whether the level depends on the event's fields."""
    return kind.level is not Event.level


def log_event(event: Event) -> None:
    """Write the log line of an event, if it has one."""
    level = event.level
    if level is None:
        return
    logger = _logger(event.NAME)
    if logger.isEnabledFor(level):
        error: Any = getattr(event, "error", None)
        logger.log(level, _phrase(event.NAME), extra=event.fields(), exc_info=error)


@functools.cache
def _logger(name: str) -> logging.Logger:
    return logging.getLogger(f"pgqueue.{name.partition('.')[0]}")


def _phrase(name: str) -> str:
    return name.replace(".", " ").replace("_", " ")
