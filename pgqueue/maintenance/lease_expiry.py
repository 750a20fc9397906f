"""Gives up the workers whose lease has ended, but nobody right after an outage.

While the database is away nobody can renew a lease, so whoever comes back first would give up all
the others, and its own workers. It waits for as long as a lease then, and at its own start.

Whether the database is away is heard from those who renew leases here, too: a service beside this
one that takes long is no outage.
"""

import logging
import time
from collections.abc import Callable

from pgqueue.maintenance.rescue import rescue
from pgqueue.maintenance.service import Service
from pgqueue.store import workers
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run

_log = logging.getLogger("pgqueue.silence")

_EVERY_SECONDS_MAX = 5.0


class LeaseExpiry:
    """Looks for silent workers, round by round, while the database can be reached.

    Half a lease in which it answered nobody is an outage: less, and every lease outlives it.

    Args:
        lease_seconds: Of all workers; one setting for all supervisors of a database.
        clock: Monotonic seconds.
    """

    def __init__(self, lease_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._reached_at = self._reachable_since = clock()

    def reached(self) -> None:
        """The database answered; safe on any thread."""
        now = self._clock()
        if now - self._reached_at > self._lease_seconds / 2:
            self._reachable_since = now
        self._reached_at = now

    def look(self, link: Link) -> bool:
        """Take a round; there is never more to do at once."""
        self.reached()
        if self._clock() - self._reachable_since >= self._lease_seconds:
            end_expired(link)
            self.reached()
        return False

    def service(self) -> Service:
        """Its rounds, several in half a lease."""
        return Service("silence", min(_EVERY_SECONDS_MAX, self._lease_seconds / 4), self.look)


def end_expired(link: Link) -> None:
    """Bury the workers whose lease ended, and rescue at once when there were any."""
    buried = run(link, workers.expire_leases())
    if buried:
        _log.warning("workers given up", extra={"worker_ids": buried})
        rescue(link)
