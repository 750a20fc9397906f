"""Log records as lines for a program: one JSON document each, in ASCII."""

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

from pgqueue.core.job_context import redact
from pgqueue.core.values.log_text import record_details, record_message
from pgqueue.telemetry.record_fields import field_text, record_fields

_NUMBER_MAX: Final = 2**63


class JsonLines(logging.Formatter):
    """`{"logged_at": ..., "level": ..., "logger": ..., "message": ..., <fields>}` on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the traceback in the member `traceback` when the record has one."""
        document: dict[str, Any] = {
            "logged_at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": redact(str(record.levelname)),
            "logger": redact(str(record.name)),
            "message": record_message(record),
        }
        own = {*document, "traceback"}
        for name, value in record_fields(record):
            # A field must not replace a member that every line has.
            document[f"{name}_" if name in own else redact(str(name))] = _value(value)
        if details := record_details(record):
            document["traceback"] = details
        return json.dumps(document)


def _value(value: object) -> object:
    if value is None or type(value) is bool:
        return value
    # Many readers of JSON keep 64 bits of a number.
    if type(value) in (int, float) and abs(value) < _NUMBER_MAX:  # type: ignore[arg-type]
        return value
    return field_text(value)
