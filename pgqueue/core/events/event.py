"""`Event`, the base of all events, with `emit` and `listen`.

A listener only observes: an error that it raises is logged and dropped, and it must not block.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any, ClassVar, Final, TypeVar

E = TypeVar("E", bound="Event")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        NAME: Noun and past participle, such as `job.claimed`.
        LEVEL: Level of its log line, as in `logging`; None for no line.
    """

    NAME: ClassVar[str] = ""
    LEVEL: ClassVar[int | None] = None

    @property
    def level(self) -> int | None:
        """The level of this event's log line; None for no line."""
        return self.LEVEL

    def fields(self) -> dict[str, Any]:
        """Its fields by name, without the ones that are None and without an exception."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value
            for name, value in values.items()
            if value is not None and not isinstance(value, BaseException)
        }


Listener = Callable[[Any], object]
"""Takes one event."""


class _Listeners:
    """Who listens to what. Replaced as a whole, so that `emit` needs no lock."""

    def __init__(self) -> None:
        self.patterns: tuple[tuple[str, Listener], ...] = ()
        self.by_event: dict[type[Event], tuple[Listener, ...]] = {}
        self.changing = Lock()

    def replace(self, patterns: tuple[tuple[str, Listener], ...]) -> None:
        """Take these listeners and no others."""
        self.patterns = patterns
        self.by_event = {}

    def of(self, kind: type[Event]) -> tuple[Listener, ...]:
        """The listeners to one kind of event, in the order in which they began to listen."""
        found = self.by_event.get(kind)
        if found is None:
            patterns = self.patterns
            found = tuple(each for name, each in patterns if fnmatchcase(kind.NAME, name))
            if patterns is self.patterns:
                self.by_event[kind] = found
        return found


_LISTENERS: Final = _Listeners()


def has_listeners() -> bool:
    """Whether a function listens to any event; else the events need not even be imported."""
    return bool(_LISTENERS.patterns)


def emit(event: Event) -> None:
    """Call every listener to this event, here and now."""
    for listener in _LISTENERS.of(type(event)):
        try:
            listener(event)
        except Exception:
            facts = {"event": event.NAME, "listener": repr(listener)}
            logging.getLogger("pgqueue.events").exception("listener raised", extra=facts)


def is_observed(*kinds: type[Event]) -> bool:
    """Whether anything listens to one of these events: what nobody hears need not be made."""
    return any(map(_LISTENERS.of, kinds))


def listen(event: str | type[E], function: Callable[[E], object]) -> Callable[[], None]:
    """Call *function* with each event of a name, and return a function that ends that.

    It is called in the process, thread or greenlet where the event happens, in the order in which
    functions began to listen. It must not block; an error that it raises is logged and dropped.

    Args:
        event: An event's name, such as `job.failed`; `*` stands for any characters, as in `job.*`.
            Or the class of the event.
        function: Takes the event, a frozen dataclass.
    """
    name = event if isinstance(event, str) else event.NAME
    entry = (name, function)
    with _LISTENERS.changing:
        _LISTENERS.replace((*_LISTENERS.patterns, entry))

    def stop() -> None:
        with _LISTENERS.changing:
            _LISTENERS.replace(tuple(each for each in _LISTENERS.patterns if each is not entry))

    return stop
