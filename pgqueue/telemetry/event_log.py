"""Events as log lines: the event's name as the phrase, its fields as the record's `extra`.

The logger is `pgqueue.` with the noun of the event: `worker.started` is logged as "worker started"
on `pgqueue.worker`. An event is not even made while its logger is off at its level.
"""

import functools
import logging
from typing import Any, Final

from pgqueue.core.events.event import LoggedEvent, listen_while
from pgqueue.core.own_logger import own_logger

# What every job does: DEBUG, until `log_jobs` changes that, before the first job runs.
_ROUTINE: Final = ("job.started", "job.succeeded", "job.snoozed")
_LEVELS: Final[dict[str, int]] = {}


def install(*, log_jobs: bool = False) -> None:
    """Log every event that has a log line, from now on.

    Args:
        log_jobs: Log the start and the success of each job at INFO instead of DEBUG.
    """
    if log_jobs:
        _LEVELS.update(dict.fromkeys(_ROUTINE, logging.INFO))
    _listen_once()


@functools.cache
def _listen_once() -> None:
    listen_while(LoggedEvent, log_event, _is_wanted)


def _is_wanted(kind: type[LoggedEvent]) -> bool:
    level = _LEVELS.get(kind.NAME, kind.LEVEL) if _LEVELS else kind.LEVEL
    return _logger(kind.NAME).isEnabledFor(level)


def log_event(event: LoggedEvent) -> None:
    """Write the log line of an event."""
    level = _LEVELS.get(event.NAME, event.level)
    logger = _logger(event.NAME)
    if not logger.isEnabledFor(level):
        return
    fields = event.fields()
    traceback = fields.pop("traceback", None)
    error: Any = getattr(event, "error", None)
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    record = logger.makeRecord(
        logger.name, level, __file__, 0, _phrase(event.NAME), (), exc_info, None, fields
    )
    # As a formatter would leave it: each formatter prints it below the line. The traceback of an
    # attempt that is retried is in its row.
    if traceback and level >= logging.ERROR:
        record.exc_text = traceback.rstrip()
    logger.handle(record)


@functools.cache
def _logger(name: str) -> logging.Logger:
    return own_logger(f"pgqueue.{name.partition('.')[0]}")


def _phrase(name: str) -> str:
    return name.replace(".", " ").replace("_", " ")
