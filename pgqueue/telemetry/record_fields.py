"""The fields of a log record: what came as `extra`, apart from what every record has."""

import logging
from collections.abc import Iterator
from typing import Final

from pgqueue.core.job_context import redact
from pgqueue.core.values.clean_text import clean_text
from pgqueue.core.values.redaction import SECRET_BYTES_MAX
from pgqueue.core.values.short_repr import short_repr

_FIELD_BYTES_MAX: Final = 2_000

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def record_fields(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    """The name and the value of each field of a record."""
    return ((name, value) for name, value in vars(record).items() if name not in _STANDARD)


def field_text(value: object) -> str:
    """A field's value as text with a limit and without redacted values, whatever its class does."""
    try:
        text = str(value)
    except Exception:
        text = short_repr(value)
    # Redaction comes before the cut: a cut through a secret would leave a part that is not found.
    return clean_text(redact(text[: _FIELD_BYTES_MAX + SECRET_BYTES_MAX]), _FIELD_BYTES_MAX)
