"""Ends the workers whose lease has expired, but no worker soon after an outage.

Nobody can renew a lease while the database is away. A supervisor that came back first would end
the workers of all the others, and its own. So the database keeps the time of the last contact of
any supervisor, and `expire_leases.sql` extends all leases after an outage. A supervisor may be as
young as it likes.
"""

from pgqueue.core.events.event import emit
from pgqueue.core.events.workers import LeaseExpired
from pgqueue.maintenance.rescue import rescue
from pgqueue.maintenance.service import Service
from pgqueue.store import workers
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run

_EVERY_SECONDS_MAX = 5.0


def services(lease_seconds: float) -> list[Service]:
    """The service `lease_expiry`, which runs several times in half a lease.

    Args:
        lease_seconds: The lease of all workers; one setting for all supervisors of a database.
    """

    def expire(link: Link) -> bool:
        end_expired(link, lease_seconds)
        return False

    every_seconds = min(_EVERY_SECONDS_MAX, lease_seconds / 4)
    return [Service("lease_expiry", every_seconds, expire, is_shared=True)]


def end_expired(link: Link, lease_seconds: float) -> None:
    """End the workers whose lease has expired, and rescue their jobs at once."""
    worker_ids = run(link, workers.expire_leases(lease_seconds))
    if worker_ids:
        emit(LeaseExpired(worker_ids=worker_ids))
        rescue(link)
