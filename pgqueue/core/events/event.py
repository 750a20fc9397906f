"""`Event`, the base of all events, with `emit` and `listen`.

A listener only observes. It must not block. An error that it raises is logged and dropped, whatever
its class: a listener's SystemExit must not end a loop.
"""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

from pgqueue.core.decisions import JobCancelled, JobInterrupted, JobTimeout
from pgqueue.core.errors import InvalidOption
from pgqueue.core.kinds_of_calls import is_call_of
from pgqueue.core.own_logger import own_logger
from pgqueue.core.similar_name import similar_name

E = TypeVar("E", bound="Event")


# Each start of a worker makes all classes of events. So they have no slots, which would double the
# time that a class takes; and a class without fields of its own is not decorated again.
@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        NAME: Noun and past participle, such as `job.claimed`.
    """

    NAME: ClassVar[str] = ""

    def fields(self) -> dict[str, Any]:
        """The event's fields by name, without a field that is None or an exception."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value
            for name, value in values.items()
            if value is not None and not isinstance(value, BaseException)
        }


class LoggedEvent(Event):
    """An event with a log line.

    Attributes:
        LEVEL: The level of the line, as in `logging`; the highest one where `level` differs.
    """

    LEVEL: ClassVar[int] = logging.INFO

    @property
    def level(self) -> int:
        """The level of this event's log line."""
        return self.LEVEL


Listener = Callable[[Any], object]
"""Takes one event."""

Pattern = str | type[Event]
"""A name, in which `*` stands for any characters, or a class that stands for its subclasses too."""


IsWanted = Callable[[Any], bool]
"""Says whether a listener needs the events of a class at present."""


class _Entry(NamedTuple):
    """One listener.

    Attributes:
        is_wanted: Asked before an event is made; None for a listener to every one.
    """

    pattern: Pattern
    listener: Listener
    is_wanted: IsWanted | None


class _Listeners:
    """The listeners of this process.

    Attributes:
        entries: All listeners. Replaced as a whole, so that `emit` needs no lock.
        by_event: What `of` has matched. Any thread may write it: every value is correct.
        changing: Held while `entries` is replaced.
    """

    def __init__(self) -> None:
        self.entries: tuple[_Entry, ...] = ()
        self.by_event: dict[type[Event], tuple[_Entry, ...]] = {}
        self.changing = Lock()

    def replace(self, entries: tuple[_Entry, ...]) -> None:
        """Replace all listeners."""
        self.entries = entries
        self.by_event = {}

    def of(self, kind: type[Event]) -> tuple[_Entry, ...]:
        """The listeners to one kind of event, in the order in which they began to listen."""
        matching = self.by_event.get(kind)
        if matching is None:
            # The dictionary is read first, because `replace` sets it last. Else a match of the old
            # entries could be stored for the new ones, and a listener would be missed.
            by_event, entries = self.by_event, self.entries
            matching = tuple(entry for entry in entries if _matches(kind, entry.pattern))
            by_event[kind] = matching
        return matching


def _matches(kind: type[Event], pattern: Pattern) -> bool:
    if isinstance(pattern, str):
        return fnmatchcase(kind.NAME, pattern)
    return issubclass(kind, pattern)


_LISTENERS: Final = _Listeners()


def has_listeners() -> bool:
    """Whether a function listens to any event; else the events need not even be imported."""
    return bool(_LISTENERS.entries)


# Errors from outside, which may arrive while a listener runs: no listener raised them.
_FROM_OUTSIDE: Final = (KeyboardInterrupt, JobTimeout, JobCancelled, JobInterrupted)


def emit(event: Event) -> None:
    """Call every listener to this event, here and now.

    The caller changes its state first and emits last, because a listener may take a moment.
    """
    for _, listener, _ in _LISTENERS.of(type(event)):
        try:
            listener(event)
        except _FROM_OUTSIDE:
            raise
        except BaseException as error:
            _log_error(error, listener, event)


def _log_error(error: BaseException, listener: Listener, event: Event) -> None:
    fields = {"event": event.NAME, "listener": _text_of(listener)}
    try:
        logger = own_logger("pgqueue.events")
        logger.error("listener raised", extra=fields, exc_info=error)
    except _FROM_OUTSIDE:
        raise
    except BaseException:
        # A handler or filter of the application raised, so that no line can be written. Its error
        # would end the loop that emits the event.
        return


def _text_of(listener: Listener) -> str:
    try:
        return repr(listener)
    except Exception:
        return type(listener).__name__


def is_observed(*kinds: type[Event]) -> bool:
    """Whether a function needs one of these events at present; else the event need not be made."""
    for kind in kinds:
        for _, _, is_wanted in _LISTENERS.of(kind):
            if is_wanted is None or is_wanted(kind):
                return True
    return False


def listen(event: str | type[E], function: Callable[[E], object]) -> Callable[[], None]:
    """Call *function* with each event of a name or class; the function that is returned ends that.

    *function* is called in the process, thread or greenlet where the event happens. Functions are
    called in the order in which they began to listen. *function* must not block. An error that it
    raises is logged and dropped.

    Args:
        event: An event's name, such as `job.failed`; `*` stands for any characters, as in `job.*`.
            Or a class of `pgqueue.events`; a base class, such as `AttemptEvent`, stands for all
            its subclasses.
        function: Takes the event, a frozen dataclass.

    Raises:
        InvalidOption: No event has such a name, or *event* is no class of an event. Or *function*
            cannot be called, or is a coroutine function or a generator function.
    """
    _check_pattern(event)
    _check_listener(function)
    return listen_while(event, function, None)


def listen_while(
    event: str | type[E], function: Callable[[E], object], is_wanted: IsWanted | None
) -> Callable[[], None]:
    """Listen like `listen`, to an event that may be left out while *is_wanted* of it is False.

    Args:
        is_wanted: Takes the class of an event. It is called for each event, and has to be quick.
    """
    entry = _Entry(event, function, is_wanted)
    with _LISTENERS.changing:
        _LISTENERS.replace((*_LISTENERS.entries, entry))

    def stop() -> None:
        with _LISTENERS.changing:
            _LISTENERS.replace(tuple(other for other in _LISTENERS.entries if other is not entry))

    return stop


def _check_listener(function: object) -> None:
    if not callable(function):
        raise InvalidOption("function", function, "it is not callable.")
    # It would be called for each event, and its code would never run.
    if is_call_of(function, inspect.iscoroutinefunction):
        reason = (
            "a listener is called, and not awaited. Pass a plain function, which may not block."
        )
        raise InvalidOption("function", function, reason)
    if is_call_of(function, inspect.isgeneratorfunction, inspect.isasyncgenfunction):
        reason = "calling a generator function runs nothing. Pass a plain function."
        raise InvalidOption("function", function, reason)


def _check_pattern(pattern: object) -> None:
    # A name with a typing error would match nothing, and nobody would notice.
    if isinstance(pattern, type) and issubclass(pattern, Event):
        return
    if not isinstance(pattern, str):
        raise InvalidOption("event", pattern, "pass a name, or a class of pgqueue.events.")
    # Here, because the catalog imports this module.
    from pgqueue.core.events.catalog import EVENTS

    names = [kind.NAME for kind in EVENTS]
    if not any(fnmatchcase(name, pattern) for name in names):
        similar = similar_name(pattern, names)
        advice = f"Did you mean {similar!r}?" if similar else "See the classes of pgqueue.events."
        raise InvalidOption("event", pattern, f"no event has such a name. {advice}")
