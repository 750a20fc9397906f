"""The text of a log record, with a limit.

A task may log an object whose text raises, or a line of 1 GB. Where Python allows it, the part
that is cut away is not written out first.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from pgqueue.core.job_context import redact
from pgqueue.core.values.clean_text import clean_text
from pgqueue.core.values.failure import report
from pgqueue.core.values.introspect import name_of, plain_text
from pgqueue.core.values.redaction import SECRET_BYTES_MAX
from pgqueue.core.values.short_repr import short_repr
from pgqueue.core.values.size_estimate import is_larger

MESSAGE_BYTES_MAX: Final = 16_384
"""Limit of one line, the traceback of its exception included."""

# Only the beginning of a larger value is written out.
_VALUE_BYTES_MAX: Final = 256 * 1024


def record_text(record: logging.LogRecord, bytes_max: int = MESSAGE_BYTES_MAX) -> str:
    """Return a record's message, and below it its traceback and its stack if it has them.

    The values that the task of the running job redacts are left out.
    """
    # Redaction comes before the cut: a cut through a secret would leave a part that is not found.
    rough_bytes_max = bytes_max + SECRET_BYTES_MAX
    text = _message(record, rough_bytes_max)
    details = _details(record, rough_bytes_max)
    return clean_text(redact(f"{text}\n{details}" if details else text), bytes_max)


def record_message(record: logging.LogRecord, bytes_max: int = MESSAGE_BYTES_MAX) -> str:
    """Return a record's message alone, without redacted values."""
    return clean_text(redact(_message(record, bytes_max + SECRET_BYTES_MAX)), bytes_max)


def record_details(record: logging.LogRecord, bytes_max: int = MESSAGE_BYTES_MAX) -> str:
    """Return what stands below a record's message, without redacted values: its traceback."""
    return clean_text(redact(_details(record, bytes_max + SECRET_BYTES_MAX)), bytes_max)


def _details(record: logging.LogRecord, bytes_max: int) -> str:
    raised = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    # A record from a queue or another process carries the text of its exception alone.
    traceback = record.exc_text if raised is None else report(raised, bytes_max).traceback
    texts = (plain_text(below, bytes_max) for below in (traceback, record.stack_info))
    return "\n".join(text for text in texts if text)


def _message(record: logging.LogRecord, bytes_max: int) -> str:
    try:
        return _formatted(record, bytes_max)
    except Exception as error:
        return f"{short_repr(record.msg)} cannot be formatted: {name_of(type(error))}"


def _formatted(record: logging.LogRecord, bytes_max: int) -> str:
    if not record.args:
        return str(_cut(record.msg, bytes_max))
    args: Any = record.args
    if isinstance(args, Mapping):
        args = {name: _cut(value, bytes_max) for name, value in args.items()}
    else:
        args = tuple(_cut(value, bytes_max) for value in args)
    return str(str(record.msg) % args)


def _cut(value: Any, bytes_max: int) -> object:
    """The value, or its beginning where it is too long to be shown."""
    kind = type(value)
    if kind in (int, float):
        return value
    if issubclass(kind, str):
        return plain_text(value, bytes_max + 1)
    if kind is bytes:
        return value[: bytes_max + 1]
    return short_repr(value) if is_larger(value, _VALUE_BYTES_MAX) else value
