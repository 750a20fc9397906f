"""Checks of the values of options: each returns the value in its stored form, or refuses it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, get_args
from unicodedata import category

from pgqueue.core.duration import CENTURY_SECONDS, YEAR_SECONDS, seconds
from pgqueue.core.errors import InvalidOption
from pgqueue.core.queue_pattern import is_prefix
from pgqueue.core.retry import Retry
from pgqueue.core.values.introspect import plain_text

Executor = Literal["greenlet", "asyncio", "process"]
"""The kind of worker that runs a job."""

Delivery = Literal["at_least_once", "at_most_once"]
"""Whether a job may be started again when its end is unknown."""

PRIORITY_MAX: Final = 100
NAME_CHARACTERS_MAX: Final = 500
QUEUE_CHARACTERS_MAX: Final = 200
TAG_CHARACTERS_MAX: Final = 200
TAGS_MAX: Final = 50

MOMENT_MIN: Final = datetime(1, 1, 2, tzinfo=UTC)
MOMENT_MAX: Final = datetime(9999, 12, 30, tzinfo=UTC)
"""The moments of the domain `moment`: every server and every Python can hold them."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def check_text(option: str, value: object, characters_max: int) -> str:
    """Return short printable text; for a member of a text enum, its value.

    Raises:
        InvalidOption: It is no text, empty, too long, or holds control characters.
    """
    text = plain_text(value, characters_max + 1)
    if text is None:
        raise InvalidOption(option, value, "it takes text.")
    if not 1 <= len(text) <= characters_max:
        raise InvalidOption(option, value, f"it takes 1 to {characters_max} characters.")
    if not text.isprintable() and any(category(character) in _UNPRINTABLE for character in text):
        raise InvalidOption(option, value, "it holds a control character or a lone surrogate.")
    return text


def check_texts(option: str, values: object, characters_max: int) -> tuple[str, ...]:
    """Return a tuple of texts.

    Raises:
        InvalidOption: It is no list of texts, or `check_text` refuses one of them.
    """
    # A bare string is an iterable of its letters: nearly always a forgotten comma.
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidOption(option, values, "it takes a list of texts.")
    return tuple(check_text(option, text, characters_max) for text in values)


def check_name(value: object) -> str | None:
    """Return the name of a task, or None for its canonical path."""
    return None if value is None else check_text("name", value, NAME_CHARACTERS_MAX)


def check_aliases(values: object) -> tuple[str, ...]:
    """Return other names of a task."""
    return check_texts("aliases", values, NAME_CHARACTERS_MAX)


def check_queue(value: object) -> str:
    """Return the name of a queue, as plain text.

    Raises:
        InvalidOption: It is empty, too long, holds control characters, or ends in `/`, which
            stands for all sub-queues where a worker is started.
    """
    text = check_text("queue", value, QUEUE_CHARACTERS_MAX)
    if is_prefix(text):
        raise InvalidOption("queue", text, "a job goes to one queue, so it does not end in '/'.")
    return text


def check_priority(value: object) -> int:
    """Return a priority."""
    if type(value) is not int or not -PRIORITY_MAX <= value <= PRIORITY_MAX:
        raise InvalidOption(
            "priority", value, f"it takes -{PRIORITY_MAX} to {PRIORITY_MAX}, larger runs first."
        )
    return value


def check_timeout(value: object) -> float | None:
    """Return a timeout in seconds, or None for none."""
    if value is None:
        return None
    return seconds("timeout", value, maximum=YEAR_SECONDS, zero=False)


def check_retry(value: object) -> Retry:
    """Return a retry policy, which has checked its fields itself."""
    if not isinstance(value, Retry):
        raise InvalidOption("retry", value, "it takes a Retry, such as Retry(max_attempts=5).")
    return value


def check_delivery_value(value: object) -> object:
    """Return a member of Delivery."""
    return _check_member("delivery", value, get_args(Delivery))


def check_executor(value: object) -> object:
    """Return a member of Executor, or None for the one that fits the function."""
    return None if value is None else _check_member("executor", value, get_args(Executor))


def check_keep(value: object) -> float:
    """Return the seconds that a success stays."""
    return seconds("keep", value)


def check_tags(values: object) -> tuple[str, ...]:
    """Return a tuple of tags."""
    tags = check_texts("tags", values, TAG_CHARACTERS_MAX)
    if len(tags) > TAGS_MAX:
        raise InvalidOption("tags", values, f"it takes at most {TAGS_MAX} tags.")
    return tags


def check_redact(values: object) -> tuple[str, ...]:
    """Return paths of arguments."""
    return check_texts("redact", values, NAME_CHARACTERS_MAX)


def check_run_after(value: object) -> float | datetime | None:
    """Return seconds from the insert, an aware moment, or None for at once."""
    if value is None:
        return None
    if isinstance(value, datetime):
        moment = check_moment("run_after", value)
        if not MOMENT_MIN <= moment <= MOMENT_MAX:
            raise _out_of_range("run_after", value)
        return moment
    if isinstance(value, (int, float, timedelta)):
        return seconds("run_after", value, maximum=CENTURY_SECONDS)
    raise InvalidOption("run_after", value, "it takes seconds, a timedelta or an aware datetime.")


def check_moment(option: str, value: object) -> datetime:
    """Return an aware moment in UTC, as a plain datetime.

    PostgreSQL reads no offset of 16 hours or of microseconds, which Python allows.

    Raises:
        InvalidOption: It is no aware datetime, or has no form in UTC.
    """
    if not isinstance(value, datetime):
        raise InvalidOption(option, value, "it takes an aware datetime.")
    try:
        if value.utcoffset() is None:
            raise InvalidOption(
                option, value, "it has no time zone. Pass an aware datetime or a timedelta."
            )
        # The operators of a subclass may return anything.
        return _EPOCH + datetime.__sub__(value, _EPOCH)
    except (OverflowError, ValueError):
        raise _out_of_range(option, value) from None


def check_expires_after(value: object) -> float | None:
    """Return seconds from the insert, or None for never."""
    return None if value is None else seconds("expires_after", value, zero=False)


def check_delivery(delivery: str, retry: Retry) -> None:
    """Refuse a retry policy for jobs that must never start twice.

    Raises:
        InvalidOption: The two contradict each other.
    """
    if delivery == "at_most_once" and retry.max_attempts > 1:
        raise InvalidOption(
            "retry", retry, "an at_most_once job is never started twice. Drop one of the two."
        )


def _out_of_range(option: str, value: object) -> InvalidOption:
    return InvalidOption(
        option, value, f"it takes {MOMENT_MIN:%Y-%m-%d} to {MOMENT_MAX:%Y-%m-%d} UTC."
    )


def _check_member(option: str, value: object, members: tuple[str, ...]) -> object:
    if value not in members:
        raise InvalidOption(option, value, f"it takes one of {', '.join(members)}.")
    return value
