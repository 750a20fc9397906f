"""Log records as lines for a person: time, level, a fixed phrase, then its fields.

Used by the command line and by worker children. Text from outside cannot forge a line: line
breaks and control characters in fields are escaped.
"""

import logging
import sys
import time

from pgqueue.core.current import censored

# What every record has; whatever else it carries came as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogLines(logging.Formatter):
    """`2026-11-23 19:04:05 INFO  worker started  worker_id=3 pid=812`, in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the traceback below it when the record carries one."""
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(record.created))
        facts = " ".join(
            f"{name}={_shown(value)}"
            for name, value in vars(record).items()
            if name not in _STANDARD
        )
        line = f"{at} {record.levelname:<7} {record.getMessage()}"
        if facts:
            line = f"{line}  {facts}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return censored(line)


def set_up(level: str) -> None:
    """Send the lines of every logger from *level* on to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def _shown(value: object) -> str:
    text = str(value)
    if not text.isprintable():
        text = text.encode("unicode_escape").decode("ascii")
    return f'"{text}"' if " " in text or not text else text
