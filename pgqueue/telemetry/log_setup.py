"""Who prints the log lines of a process, and in which form: the settings `log_…`."""

import logging
import sys
from typing import Final, Protocol

from pgqueue.telemetry import event_log, job_fields
from pgqueue.telemetry.log_lines import LogLines

_APPLICATION: Final = "app"


class LogSettings(Protocol):
    """The settings that decide about log lines."""

    @property
    def log_level(self) -> str:
        """Least level of the lines."""

    @property
    def log_format(self) -> str:
        """`text` or `json`."""

    @property
    def log_jobs(self) -> bool:
        """Whether starts and successes of jobs have the level INFO."""

    @property
    def log_config(self) -> str:
        """`pgqueue`, or `app` for the application's own configuration of `logging`."""


class _Printer(logging.StreamHandler):  # type: ignore[type-arg]  # 3.11 has no such argument
    """Prints lines to standard error."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Drop the line: a job must not fail because standard error is full or was closed."""


def print_lines(settings: LogSettings) -> None:
    """Print the lines of every logger of this process, events included, to standard error."""
    event_log.install(log_jobs=settings.log_jobs)
    job_fields.install()
    root = logging.getLogger()
    root.handlers[:] = [_printer(settings)]
    root.setLevel(settings.log_level)


def prepare(settings: LogSettings) -> None:
    """Set up the lines of a process that will import the application's modules."""
    if settings.log_config == _APPLICATION:
        event_log.install(log_jobs=settings.log_jobs)
        job_fields.install()
    else:
        print_lines(settings)


def complete(settings: LogSettings) -> None:
    """Print pgqueue's own lines if the application's modules set up no handler for them.

    Otherwise nobody would see that a worker fails jobs.
    """
    own = logging.getLogger("pgqueue")
    if settings.log_config == _APPLICATION and not own.hasHandlers():
        own.addHandler(_printer(settings))
        own.setLevel(settings.log_level)


def _printer(settings: LogSettings) -> logging.Handler:
    printer = _Printer(sys.stderr)
    printer.setFormatter(_formatter(settings.log_format))
    return printer


def _formatter(log_format: str) -> logging.Formatter:
    if log_format == "text":
        return LogLines()
    # Here, because each start of a worker would wait for this import.
    from pgqueue.telemetry.json_lines import JsonLines

    return JsonLines()
