"""The frame of everything that maintenance does: a name, an interval, a function of a link."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pgqueue.core.backoff import backoff_seconds
from pgqueue.process.loop import Loop
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import DATABASE_ERRORS, READ_ONLY_ERRORS

_log = logging.getLogger("pgqueue.maintenance")

# What comes faster than a share of the time can do would grow without end.
_PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Service:
    """One thing to do again and again.

    Args:
        every_seconds: How often, when nobody asks for it earlier.
        run: Does one bounded round; True when there is more to do at once.
        share: Of the time, at most, while there is more; all of it once there has always been more
            for five minutes.
    """

    name: str
    every_seconds: float
    run: Callable[[Link], bool]
    share: float = 1.0


class Maintenance(Loop):
    """Runs services in turn, on one thread and one connection of its own.

    One that fails waits by itself, and the others keep their times.
    """

    @property
    def ping_after_idle_seconds(self) -> float:
        """Longer than the pause of the service that comes most often, which only asks.

        A connection that fell silent is found out by that question then, after 22 s.
        """
        return 2.5

    def __init__(self, database: Database, services: Sequence[Service]) -> None:
        super().__init__("maintenance", database)
        self._services = {service.name: service for service in services}
        self._due_at = dict.fromkeys(self._services, 0.0)
        self._failed = dict.fromkeys(self._services, 0)
        self._behind_since: dict[str, float] = {}

    def ask_for(self, name: str) -> None:
        """Run one service now instead of when its interval ends."""
        self._due_at[name] = 0.0
        self.wake()

    def turn(self, link: Link) -> float:
        """Run what is due; the seconds until the next is."""
        is_trusted = True
        for name, service in list(self._services.items()):
            if time.monotonic() < self._due_at[name]:
                continue
            # The next time is set first, so that being asked for meanwhile is not forgotten.
            began_at = time.monotonic()
            self._due_at[name] = began_at + service.every_seconds
            try:
                has_more = service.run(link)
            except Exception as error:
                if not link.is_usable or isinstance(error, READ_ONLY_ERRORS):
                    # The database's failure and not the service's, which stays due. It goes to
                    # the end, so that the others get their turn.
                    self._services[name] = self._services.pop(name)
                    self._due_at[name] = 0.0
                    raise
                self._put_off(service, error)
                is_trusted = False
                if not link.is_idle:
                    break  # nobody else can ask anything on this connection
                continue
            self._failed[name] = 0
            if not has_more:
                self._behind_since.pop(name, None)
            elif self._due_at[name]:  # else it was asked for meanwhile
                ended_at = time.monotonic()
                share = self._share(service, began_at)
                self._due_at[name] = ended_at + (ended_at - began_at) * (1.0 / share - 1.0)
        if not is_trusted:
            self.close()
        return max(0.0, min(self._due_at.values()) - time.monotonic())

    def _share(self, service: Service, began_at: float) -> float:
        behind_seconds = began_at - self._behind_since.setdefault(service.name, began_at)
        return service.share if behind_seconds < _PATIENCE_SECONDS else 1.0

    def _put_off(self, service: Service, error: Exception) -> None:
        self._failed[service.name] += 1
        pause = backoff_seconds(self._failed[service.name])
        self._due_at[service.name] = time.monotonic() + pause
        facts = {
            "service": service.name,
            "failures": self._failed[service.name],
            "pause_seconds": round(pause, 2),
        }
        if isinstance(error, DATABASE_ERRORS):
            reason = str(error).strip().partition("\n")[0]
            _log.warning("service failed, trying again", extra={**facts, "reason": reason})
        else:
            _log.error("service failed, trying again", extra=facts, exc_info=error)
