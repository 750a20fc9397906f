"""The frame of everything that maintenance does: a name, an interval, a function of a link."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pgqueue.process.loop import Loop
from pgqueue.store.connect import Database, Link


@dataclass(frozen=True, slots=True)
class Service:
    """One thing to do again and again.

    Args:
        every_seconds: How often, when nobody asks for it earlier.
        run: Does one bounded round; True when there is more to do at once.
    """

    name: str
    every_seconds: float
    run: Callable[[Link], bool]


class Maintenance(Loop):
    """Runs services in turn, on one thread and one connection of its own."""

    def __init__(self, database: Database, services: Sequence[Service]) -> None:
        super().__init__("maintenance", database)
        self._services = {service.name: service for service in services}
        self._due_at = dict.fromkeys(self._services, 0.0)

    def ask_for(self, name: str) -> None:
        """Run one service now instead of when its interval ends."""
        self._due_at[name] = 0.0
        self.poke()

    def turn(self, link: Link) -> float:
        """Run what is due; the seconds until the next is."""
        for name, service in list(self._services.items()):
            if time.monotonic() < self._due_at[name]:
                continue
            # The next time is set first, so that being asked for meanwhile is not forgotten.
            self._due_at[name] = time.monotonic() + service.every_seconds
            try:
                has_more = service.run(link)
            except Exception:
                # It stays due, and goes to the end, so that the others get their turn.
                self._services[name] = self._services.pop(name)
                self._due_at[name] = 0.0
                raise
            if has_more:
                self._due_at[name] = 0.0
        return max(0.0, min(self._due_at.values()) - time.monotonic())
