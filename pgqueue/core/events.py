"""Events: how rooms tell what happened without knowing who listens.

Rooms emit, telemetry and integrations listen. A listener only observes: what it raises is
logged and dropped, and what it does must not block.
"""

import logging
from collections.abc import Callable, Mapping
from threading import Lock

Listener = Callable[[str, Mapping[str, object]], None]
"""Takes an event's name and its fields."""

# Replaced as a whole and never changed in place, so that emit needs no lock.
_listeners: tuple[Listener, ...] = ()
_changing = Lock()


def emit(name: str, /, **fields: object) -> None:
    """Tell every listener that something happened.

    Args:
        name: Noun and past participle, such as `job.claimed`.
    """
    for listener in _listeners:
        try:
            listener(name, fields)
        except Exception:
            logging.getLogger("pgqueue.events").exception(
                "listener raised", extra={"event": name, "listener": repr(listener)}
            )


def listen(listener: Listener) -> Callable[[], None]:
    """Call a listener at every event, and return what makes it stop.

    Called in the thread or greenlet that emits, in the order of listening.
    """
    global _listeners
    with _changing:
        _listeners = (*_listeners, listener)

    def stop() -> None:
        global _listeners
        with _changing:
            _listeners = tuple(each for each in _listeners if each is not listener)

    return stop
