"""A supervisor's announcement whether producers are to notify it."""

from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.store import supervisors
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run
from pgqueue.store.supervisors import SupervisorIdentity

# The announcement expires soon after its supervisor is gone, and is renewed well before.
_RENEW_SECONDS = 30.0
_EXPIRE_SECONDS = 90.0


class Announcement:
    """Announces a change at once, and renews the announcement every 30 s.

    Only the dispatcher's thread writes its fields.

    Attributes:
        wants_notify: As announced last; None on a new connection.
    """

    def __init__(
        self, supervisor_id: int, identity: SupervisorIdentity, *, clock: Clock = MONOTONIC
    ) -> None:
        self._supervisor_id = supervisor_id
        self._identity = identity
        self._renewal = Timer(clock)
        self.wants_notify: bool | None = None

    def forget(self) -> None:
        """Announce again in the next turn."""
        self.wants_notify = None

    def announce(self, link: Link, *, wants_notify: bool) -> int | None:
        """Announce it if that is due.

        Returns how many supervisors have a queue in common with this one, which is counted too;
        None when nothing was due.
        """
        if wants_notify == self.wants_notify and not self._renewal.is_due:
            return None
        supervisor_count = run(
            link,
            supervisors.announce(
                self._supervisor_id,
                self._identity,
                wants_notify=wants_notify,
                seconds=_EXPIRE_SECONDS,
            ),
        )
        self.wants_notify = wants_notify
        self._renewal.start(_RENEW_SECONDS)
        return supervisor_count
