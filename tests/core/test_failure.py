"""Every exception has a report, and the report can be stored."""

import pytest

from pgqueue.core.decisions import JobTimeout
from pgqueue.core.values.failure import message_text, report, type_text


class Hostile(Exception):
    """Its message ends the process."""

    def __str__(self):
        raise SystemExit(3)


class Masked(Exception):
    """The library `traceback` cannot show it."""

    @property
    def __class__(self):
        raise RuntimeError("nothing to see")


def raised(error):
    """The error, with a traceback."""
    try:
        raise error
    except BaseException as caught:
        return caught


def laughs():
    """A list of two of a list of two …: written out it would be 2**60 texts."""
    value = ["ha"]
    for _ in range(60):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("a\0b"), "ValueError", "a\ufffdb"),
        (ValueError(), "ValueError", ""),
        (JobTimeout("late"), "JobTimeout", "late"),
        (Hostile(), f"{__name__}.Hostile", "<its message cannot be read: str() raised SystemExit>"),
        (ValueError(laughs()), "ValueError", "([[<list>, <list>], [<list>, <list>]])"),
        (ValueError("n" * 1_000_000), "ValueError", "n" * 92 + "…[cut]"),
    ],
    ids=["NUL", "nothing", "ours", "hostile", "laughs", "large"],
)
def test_an_exception_has_a_type_and_a_message(error, kind, message):
    assert (kind, message) == (type_text(error), message_text(error, 100))


@pytest.mark.parametrize("make", [Hostile, Masked, lambda: ValueError(laughs())])
def test_a_traceback_leads_to_the_line_even_where_the_message_cannot_be_read(make):
    error = make()

    text = report(raised(error), 10_000).traceback

    assert "in raised" in text
    assert type(error).__name__ in text


def test_a_traceback_begins_with_its_causes_and_ends_at_its_limit():
    error = ValueError("last")
    error.__cause__ = KeyError("first")

    text = report(raised(error), 10_000, before=["The task stood here:\n"]).traceback

    assert text.startswith("The task stood here:\nKeyError: 'first'\n")
    assert text.endswith("ValueError: last\n")
    assert 100 == len(report(raised(error), 100).traceback.encode())


def test_a_message_that_cannot_be_read_is_read_once():
    reads = []

    class Slow(Exception):
        def __str__(self):
            reads.append(self)
            raise JobTimeout

    shown = report(raised(Slow()), 1_000)

    assert 1 == len(reads)
    assert "str() raised JobTimeout" in shown.message
    assert "in raised" in shown.traceback
