"""The list of every event that pgqueue emits."""

from typing import Final

from pgqueue.core.events import jobs, services, workers
from pgqueue.core.events.event import Event

EVENTS: Final[tuple[type[Event], ...]] = tuple(
    value
    for module in (jobs, workers, services)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, Event) and value.NAME
)
"""The class of every event, by module and in the order of definition."""
