"""Options of a task and of one call, checked before anything is sent.

`TaskOptions` says how each job of a task is run unless a call says otherwise, `CallOptions` what
one call changed. Both give the columns of the job's row; neither knows the function.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from difflib import get_close_matches
from enum import Enum
from typing import Final, Literal, TypedDict, get_args
from unicodedata import category

from pgqueue.core.duration import CENTURY_SECONDS, YEAR_SECONDS, Duration, seconds
from pgqueue.core.errors import InvalidOption
from pgqueue.core.retry import NO_RETRY, Retry
from pgqueue.core.values.introspect import plain_text


class Unset(Enum):
    """The type of UNSET, for type checkers to narrow."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""Stands for an option that was not given, where None is a value."""

Executor = Literal["greenlet", "asyncio", "process"]
"""The kind of child that runs a job."""

Delivery = Literal["at_least_once", "at_most_once"]
"""Whether a job may be started again when its end is unknown."""

PRIORITY_MAX: Final = 100
NAME_CHARACTERS_MAX: Final = 500
QUEUE_CHARACTERS_MAX: Final = 200
TAG_CHARACTERS_MAX: Final = 200
TAGS_MAX: Final = 50

_LATER: Final = frozenset(
    {
        "concurrency_key",
        "depends_on",
        "max_concurrency",
        "ordering_key",
        "rate_limit",
        "unique_key",
        "unique_until",
    }
)
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """How each job of a task is run, unless a call says otherwise.

    Args:
        name: What the task is known by; None for its canonical path.
        aliases: Other names it answers to.
        priority: -100 to 100, larger runs first.
        timeout: Seconds or a timedelta from the true start; None for no timeout.
        executor: None for the one that fits the function.
        keep: Seconds or a timedelta that a success stays; 0 deletes it when it succeeds.
        redact: Paths of arguments that are never shown, such as `card.number`.

    Raises:
        InvalidOption: One of the values is out of bounds.
    """

    name: str | None = None
    aliases: Iterable[str] = ()
    queue: str = "default"
    priority: int = 0
    timeout: Duration | None = 3600.0
    retry: Retry = NO_RETRY
    delivery: Delivery = "at_least_once"
    executor: Executor | None = None
    keep: Duration = 86_400.0
    tags: Iterable[str] = ()
    redact: Iterable[str] = ()

    def __post_init__(self) -> None:
        if self.name is not None:
            self._normalise("name", check_text("name", self.name, NAME_CHARACTERS_MAX))
        self._normalise("aliases", _texts("aliases", self.aliases, NAME_CHARACTERS_MAX))
        self._normalise("queue", check_queue(self.queue))
        _check_priority(self.priority)
        self._normalise("timeout", _timeout(self.timeout))
        _check_retry(self.retry)
        _check_member("delivery", self.delivery, get_args(Delivery))
        if self.executor is not None:
            _check_member("executor", self.executor, get_args(Executor))
        self._normalise("keep", seconds("keep", self.keep))
        self._normalise("tags", _tags(self.tags))
        self._normalise("redact", _texts("redact", self.redact, NAME_CHARACTERS_MAX))
        check_delivery(self.delivery, self.retry)

    def columns(self) -> dict[str, object]:
        """Return the columns of a job's row that these options decide."""
        return {
            "queue": self.queue,
            "priority": self.priority,
            "executor": self.executor or "greenlet",
            "delivery": self.delivery,
            **self.retry.columns(),
            "timeout_seconds": self.timeout,
            "keep_seconds": self.keep,
            "tags": self.tags,
        }

    def _normalise(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


@dataclass(frozen=True, kw_only=True)
class CallOptions:
    """What one call changes; UNSET leaves the task's option.

    Args:
        connection: Whose transaction the job joins; None for one of our own.
        run_after: Seconds or a timedelta from now, or an aware datetime.
        expires_after: Seconds or a timedelta; a job not started by then is cancelled.

    Raises:
        InvalidOption: One of the values is out of bounds.
    """

    connection: object = None
    queue: str | Unset = UNSET
    priority: int | Unset = UNSET
    run_after: Duration | datetime | Unset | None = UNSET
    timeout: Duration | Unset | None = UNSET
    retry: Retry | Unset = UNSET
    expires_after: Duration | Unset | None = UNSET
    tags: Iterable[str] | Unset = UNSET

    def __post_init__(self) -> None:
        if self.queue is not UNSET:
            self._normalise("queue", check_queue(self.queue))
        if self.priority is not UNSET:
            _check_priority(self.priority)
        if self.timeout is not UNSET:
            self._normalise("timeout", _timeout(self.timeout))
        if self.retry is not UNSET:
            _check_retry(self.retry)
        if self.tags is not UNSET:
            self._normalise("tags", _tags(self.tags))
        if self.run_after is not UNSET and self.run_after is not None:
            self._normalise("run_after", _run_after(self.run_after))
        if self.expires_after is not UNSET and self.expires_after is not None:
            expires = seconds("expires_after", self.expires_after, zero=False)
            self._normalise("expires_after", expires)

    def columns(self) -> dict[str, object]:
        """Return the columns of a job's row that this call changes."""
        columns: dict[str, object] = {}
        if self.queue is not UNSET:
            columns["queue"] = self.queue
        if self.priority is not UNSET:
            columns["priority"] = self.priority
        if self.run_after is not UNSET:
            columns["run_after"] = self.run_after
        if self.timeout is not UNSET:
            columns["timeout_seconds"] = self.timeout
        if self.retry is not UNSET:
            columns.update(self.retry.columns())
        if self.expires_after is not UNSET:
            columns["expires_after_seconds"] = self.expires_after
        if self.tags is not UNSET:
            columns["tags"] = self.tags
        return columns

    def _normalise(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


class TaskKeywords(TypedDict, total=False):
    """The fields of TaskOptions, as `@task` takes them."""

    name: str | None
    aliases: Iterable[str]
    queue: str
    priority: int
    timeout: Duration | None
    retry: Retry
    delivery: Delivery
    executor: Executor | None
    keep: Duration
    tags: Iterable[str]
    redact: Iterable[str]


class CallKeywords(TypedDict, total=False):
    """The fields of CallOptions, as `.using()` takes them."""

    connection: object
    queue: str
    priority: int
    run_after: Duration | datetime | None
    timeout: Duration | None
    retry: Retry
    expires_after: Duration | None
    tags: Iterable[str]


_NAMES: Final = {
    options: tuple(field.name for field in fields(options))
    for options in (TaskOptions, CallOptions)
}


def check_names(
    options: type[TaskOptions] | type[CallOptions], given: Mapping[str, object]
) -> None:
    """Refuse options that do not exist, or not yet.

    Raises:
        InvalidOption: For the first of them, with what was meant.
    """
    known = _NAMES[options]
    for option, value in given.items():
        if option in known:
            continue
        if option in _LATER:
            raise InvalidOption(option, value, "this release does not have that option yet.")
        close = get_close_matches(option, known, 1)
        advice = f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(known)}."
        raise InvalidOption(option, value, f"there is no such option. {advice}")


def check_queue(queue: object) -> str:
    """Return what can be the name of a queue, as plain text.

    Raises:
        InvalidOption: It is empty, too long, holds control characters, or ends in `/`, which
            stands for all sub-queues where a worker is started.
    """
    text = check_text("queue", queue, QUEUE_CHARACTERS_MAX)
    if text.endswith("/"):
        raise InvalidOption("queue", text, "a job goes to one queue, so it does not end in '/'.")
    return text


def check_delivery(delivery: str, retry: Retry) -> None:
    """Refuse a retry for jobs that must never be started twice.

    Raises:
        InvalidOption: The two contradict each other.
    """
    if delivery == "at_most_once" and retry.max_attempts > 1:
        raise InvalidOption(
            "retry", retry, "an at_most_once job is never started twice. Drop one of the two."
        )


def check_text(option: str, value: object, characters_max: int) -> str:
    """Return short printable text; of a member of a text enum, its value.

    Raises:
        InvalidOption: It is no text, empty, too long, or holds control characters.
    """
    text = plain_text(value, characters_max + 1)
    if text is None:
        raise InvalidOption(option, value, "it takes text.")
    if not 1 <= len(text) <= characters_max:
        raise InvalidOption(option, value, f"it takes 1 to {characters_max} characters.")
    if not text.isprintable() and any(category(each) in _UNPRINTABLE for each in text):
        raise InvalidOption(option, value, "it holds a control character or a lone surrogate.")
    return text


def _texts(option: str, values: object, characters_max: int) -> tuple[str, ...]:
    # A bare string is an iterable of its letters: nearly always a forgotten comma.
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidOption(option, values, "it takes a list of texts.")
    return tuple(check_text(option, text, characters_max) for text in values)


def _tags(values: object) -> tuple[str, ...]:
    tags = _texts("tags", values, TAG_CHARACTERS_MAX)
    if len(tags) > TAGS_MAX:
        raise InvalidOption("tags", values, f"it takes at most {TAGS_MAX} tags.")
    return tags


def _check_priority(value: object) -> None:
    if type(value) is not int or not -PRIORITY_MAX <= value <= PRIORITY_MAX:
        raise InvalidOption(
            "priority", value, f"it takes -{PRIORITY_MAX} to {PRIORITY_MAX}, larger runs first."
        )


def _check_retry(value: object) -> None:
    if not isinstance(value, Retry):
        raise InvalidOption("retry", value, "it takes a Retry, such as Retry(max_attempts=5).")


def _check_member(option: str, value: object, members: tuple[str, ...]) -> None:
    if value not in members:
        raise InvalidOption(option, value, f"it takes one of {', '.join(members)}.")


def _timeout(value: object) -> float | None:
    if value is None:
        return None
    return seconds("timeout", value, maximum=YEAR_SECONDS, zero=False)


def _run_after(value: object) -> float | datetime:
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise InvalidOption(
                "run_after", value, "it has no time zone. Pass an aware datetime or a timedelta."
            )
        return value
    if isinstance(value, (int, float, timedelta)):
        return seconds("run_after", value, maximum=CENTURY_SECONDS)
    raise InvalidOption("run_after", value, "it takes seconds, a timedelta or an aware datetime.")
