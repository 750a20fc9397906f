"""Ends the workers whose lease has expired, but no worker soon after an outage.

Nobody can renew a lease while the database is away. A supervisor that came back first would end
the workers of all the others, and its own. So it waits for the length of a lease after an outage,
and after its own start.

The renewals of leases here prove, too, that the database answers: a slow service of this
supervisor's maintenance is no outage.
"""

from pgqueue.core.clock import MONOTONIC, Clock, Stopwatch
from pgqueue.core.events.event import emit
from pgqueue.core.events.workers import LeaseExpired
from pgqueue.maintenance.rescue import rescue
from pgqueue.maintenance.service import Service
from pgqueue.store import workers
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run

_EVERY_SECONDS_MAX = 5.0


class LeaseExpiry:
    """Ends workers whose lease has expired, while the database can be reached.

    The database counts as away when it answered nobody here for half a lease. Every lease
    outlives a shorter outage.

    Args:
        lease_seconds: The lease of all workers; one setting for all supervisors of a database.
    """

    def __init__(self, lease_seconds: float, *, clock: Clock = MONOTONIC) -> None:
        self._lease_seconds = lease_seconds
        # Any thread may restart both: each restart sets them to the current time.
        self._last_contact = Stopwatch(clock, started=True)
        self._reachable = Stopwatch(clock, started=True)

    def record_contact(self) -> None:
        """Note that the database answered; safe on any thread."""
        if self._last_contact.seconds > self._lease_seconds / 2:
            self._reachable.restart()
        self._last_contact.restart()

    def run(self, link: Link) -> bool:
        """End expired workers, unless an outage ended less than a lease ago; False: no more."""
        self.record_contact()
        if self._reachable.seconds >= self._lease_seconds:
            end_expired(link)
            self.record_contact()
        return False

    def service(self) -> Service:
        """The service `lease_expiry`, which runs several times in half a lease."""
        interval = min(_EVERY_SECONDS_MAX, self._lease_seconds / 4)
        return Service("lease_expiry", interval, self.run)


def end_expired(link: Link) -> None:
    """End the workers whose lease has expired, and rescue their jobs at once."""
    worker_ids = run(link, workers.expire_leases())
    if worker_ids:
        emit(LeaseExpired(worker_ids=worker_ids))
        rescue(link)
