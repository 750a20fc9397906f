"""Log records as lines for a person: time, level, a fixed phrase, then its fields.

Used by the command line and by workers. Text from outside cannot forge a line or move the cursor:
characters that cannot be printed are escaped, and every further line is indented.
"""

import logging
import re
import time

from pgqueue.core.job_context import redact
from pgqueue.core.values.log_text import record_text
from pgqueue.telemetry.record_fields import field_text, record_fields

_QUOTE = re.compile(r'(\\*)"')
_LAST = re.compile(r"(\\+)$")


class LogLines(logging.Formatter):
    """`2026-11-23 19:04:05 INFO  worker started  worker_id=3 pid=812`, in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the traceback below it when the record carries one."""
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(record.created))
        fields = " ".join(
            f"{_shown(str(name))}={_field(value)}" for name, value in record_fields(record)
        )
        phrase, *rest = record_text(record).split("\n")
        first = f"{at} {_shown(record.levelname):<7} {_shown(phrase)}"
        if fields:
            first = f"{first}  {fields}"
        return redact("\n".join([first, *(f"  {_shown(line)}" for line in rest)]))


def _field(value: object) -> str:
    text = _shown(field_text(value))
    if text and " " not in text and '"' not in text:
        return text
    # Backslashes count only in front of a quote.
    quoted = _LAST.sub(r"\1\1", _QUOTE.sub(r'\1\1\\"', text))
    return f'"{quoted}"'


def _shown(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
