"""A supervisor's announcement whether producers are to notify it."""

from pgqueue.store import supervisors
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run
from pgqueue.store.supervisors import SupervisorIdentity


class Announcement:
    """Announces a change at once. It counts as long as the supervisor renews its lease.

    Only the dispatcher's thread writes its fields.

    Attributes:
        wants_notify: As announced last; None on a new connection.
    """

    def __init__(self, supervisor_id: int, identity: SupervisorIdentity) -> None:
        self._supervisor_id = supervisor_id
        self._identity = identity
        self.wants_notify: bool | None = None

    def forget(self) -> None:
        """Announce again in the next turn."""
        self.wants_notify = None

    def announce(self, link: Link, *, wants_notify: bool) -> bool:
        """Announce it if that is new; returns whether it was."""
        if wants_notify == self.wants_notify:
            return False
        run(
            link,
            supervisors.announce(self._supervisor_id, self._identity, wants_notify=wants_notify),
        )
        self.wants_notify = wants_notify
        return True
