"""The text of a log record is short, complete and without secrets."""

import logging
import sys

import pytest

from pgqueue.core.job_context import JobContext, enter, leave
from pgqueue.core.values.log_text import record_text


class Hostile:
    """Raises when it is shown."""

    def __repr__(self):
        raise RuntimeError("looked at")


def context_with_secrets(*secrets):
    """A running job whose task redacts these texts."""
    return JobContext(id=1, attempt=1, task="shop.f", args={}, host=object(), secrets=secrets)


def record(msg, *args, exc_info=None):
    """A record as a logger makes it."""
    return logging.LogRecord("shop", logging.INFO, __file__, 1, msg, args, exc_info)


@pytest.mark.parametrize(
    ("msg", "args", "text"),
    [
        ("a %s c", ("b",), "a b c"),
        ("%(a)s", ({"a": "b\0"},), "b\ufffd"),
        ("100 %", (), "100 %"),
        (["a"], (), "['a']"),
        ("%s", (b"a",), "b'a'"),
        ("%d", ("a",), "'%d' cannot be formatted: TypeError"),
        ("a", (1,), "'a' cannot be formatted: TypeError"),
        ("%s", (Hostile(),), "'%s' cannot be formatted: RuntimeError"),
        (Hostile(), (), "<Hostile> cannot be formatted: RuntimeError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_record_says_what_it_can(msg, args, text):
    assert text == record_text(record(msg, *args))


def test_a_long_line_is_cut_with_a_mark():
    assert ["nnnn…[cut]"] * 2 == [
        record_text(record("n" * 10_000), 12),
        record_text(record("%s", "n" * 10_000), 12),
    ]


def test_a_traceback_stands_below_the_message():
    try:
        raise ValueError("a\0b")
    except ValueError:
        made = record("it broke", exc_info=sys.exc_info())

    text = record_text(made)

    assert text.startswith("it broke\nTraceback")
    assert text.endswith("ValueError: a\ufffdb\n")


def test_the_text_of_an_exception_and_the_stack_stand_below_the_message():
    made = record("it broke")
    made.exc_text = "KeyError: 'there'"
    made.stack_info = "Stack (most recent call last):\n  there"

    text = record_text(made)

    assert "it broke\nKeyError: 'there'\nStack (most recent call last):\n  there" == text


def test_a_traceback_is_shown_once_when_another_formatter_has_kept_its_text():
    try:
        raise ValueError("a")
    except ValueError:
        made = record("it broke", exc_info=sys.exc_info())
    logging.Formatter().format(made)

    assert 1 == record_text(made).count("ValueError: a")


def test_no_part_of_a_secret_is_shown_where_a_line_is_cut():
    token = enter(context_with_secrets("4111-1111-1111"))
    text = record_text(record("%s", "n" * 93 + "4111-1111-1111"), 106)
    leave(token)

    assert "4111" not in text
