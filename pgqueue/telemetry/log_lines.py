"""Log records as lines for a person: time, level, a fixed phrase, then its fields.

Used by the command line and by worker children. Text from outside cannot forge a line, nor move
the cursor: what is not printable is escaped, and every further line is indented.
"""

import logging
import re
import sys
import time

from pgqueue.core.current import censored
from pgqueue.core.values.clean_text import clean_text
from pgqueue.core.values.log_text import record_text
from pgqueue.core.values.short_repr import short_repr

_FACT_BYTES_MAX = 2_000

_QUOTE = re.compile(r'(\\*)"')
_LAST = re.compile(r"(\\+)$")

# What every record has; whatever else it carries came as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogLines(logging.Formatter):
    """`2026-11-23 19:04:05 INFO  worker started  worker_id=3 pid=812`, in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the traceback below it when the record carries one."""
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(record.created))
        facts = " ".join(
            f"{name}={_fact(value)}"
            for name, value in vars(record).items()
            if name not in _STANDARD
        )
        phrase, *rest = record_text(record).split("\n")
        first = f"{at} {_shown(record.levelname):<7} {_shown(phrase)}"
        if facts:
            first = f"{first}  {facts}"
        return censored("\n".join([first, *(f"  {_shown(line)}" for line in rest)]))


def set_up(level: str) -> None:
    """Send the lines of every logger from *level* on to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def _fact(value: object) -> str:
    text = value if type(value) is str else _text(value)
    text = _shown(clean_text(text, _FACT_BYTES_MAX))
    if text and " " not in text and '"' not in text:
        return text
    # Backslashes count only in front of a quote.
    quoted = _LAST.sub(r"\1\1", _QUOTE.sub(r'\1\1\\"', text))
    return f'"{quoted}"'


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return short_repr(value)


def _shown(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text
    )
