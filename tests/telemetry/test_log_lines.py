"""A printed line belongs to one record, and no text from outside can forge another."""

import logging

import pytest

from pgqueue.telemetry.log_lines import LogLines


class Hostile:
    """Raises when it is shown."""

    def __str__(self):
        raise RuntimeError("shown")


def printed(msg, *args, **extra):
    """How a record is printed."""
    record = logging.LogRecord("shop", logging.INFO, __file__, 1, msg, args, None)
    vars(record).update(extra)
    return LogLines().format(record)[len("2026-11-23 19:04:05 ") :]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (printed("worker started", worker_id=3), "INFO    worker started  worker_id=3"),
        (printed("ok\n2026-11-23 ERROR"), "INFO    ok\n  2026-11-23 ERROR"),
        (printed("a\rb\x1b[31m\u202e"), r"INFO    a\rb\x1b[31m\u202e"),
        (printed("a", reason="b\nc d"), r'INFO    a  reason="b\nc d"'),
        (printed("a", reason='no "host"'), r'INFO    a  reason="no \"host\""'),
        (printed("a", reason='a \\" b \\'), r'INFO    a  reason="a \\\" b \\"'),
        (printed("a", reason=Hostile()), "INFO    a  reason=<Hostile>"),
        (printed("%s", Hostile()), "INFO    '%s' cannot be formatted: RuntimeError"),
    ],
    ids=[
        "plain",
        "forged",
        "control characters",
        "field",
        "quoted field",
        "backslashes",
        "hostile field",
        "hostile message",
    ],
)
def test_text_from_outside_forges_no_line(line, shown):
    assert shown == line


def test_a_printed_line_has_a_limit():
    assert len(printed("%s", "n" * 1_000_000, reason="n" * 1_000_000)) < 20_000
