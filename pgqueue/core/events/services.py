"""What happens to the long-running parts of a supervisor and of a worker, and to the database."""

import logging
from dataclasses import dataclass
from typing import ClassVar

from pgqueue.core.events.event import LoggedEvent


@dataclass(frozen=True, kw_only=True)
class DatabaseFailed(LoggedEvent):
    """A loop could not use the database; it tries again."""

    NAME: ClassVar[str] = "database.failed"
    LEVEL: ClassVar[int] = logging.WARNING

    loop: str
    reason: str
    pause_seconds: float
    failures: int | None = None


@dataclass(frozen=True, kw_only=True)
class LoopFailed(LoggedEvent):
    """A loop raised an unexpected error; it tries again."""

    NAME: ClassVar[str] = "loop.failed"
    LEVEL: ClassVar[int] = logging.ERROR

    loop: str
    failures: int
    pause_seconds: float
    error: BaseException


@dataclass(frozen=True, kw_only=True)
class LoopResumed(LoggedEvent):
    """A loop works again after failures."""

    NAME: ClassVar[str] = "loop.resumed"
    LEVEL: ClassVar[int] = logging.INFO

    loop: str
    failures: int


@dataclass(frozen=True, kw_only=True)
class ConnectionLost(LoggedEvent):
    """An idle connection broke; the loop opens another one."""

    NAME: ClassVar[str] = "connection.lost"
    LEVEL: ClassVar[int] = logging.WARNING

    loop: str


@dataclass(frozen=True, kw_only=True)
class ConnectionsShort(LoggedEvent):
    """The server may run out of connections.

    Attributes:
        wanted: Connections that this supervisor and its workers may open.
        allowed: Connections that the server allows, see its `max_connections`.
        taken: Connections that are open now.
    """

    NAME: ClassVar[str] = "connections.short"
    LEVEL: ClassVar[int] = logging.WARNING

    wanted: int
    allowed: int
    taken: int


@dataclass(frozen=True, kw_only=True)
class NotificationsUnavailable(LoggedEvent):
    """Notifications do not pass a connection pooler; new jobs are found by polling alone."""

    NAME: ClassVar[str] = "notifications.unavailable"
    LEVEL: ClassVar[int] = logging.INFO

    advice: str = "set listen_url to a URL of the server itself"


@dataclass(frozen=True, kw_only=True)
class PromotionFailed(LoggedEvent):
    """Scheduled jobs that are due could not be queued; the supervisor tries again."""

    NAME: ClassVar[str] = "promotion.failed"
    LEVEL: ClassVar[int] = logging.WARNING

    failures: int
    pause_seconds: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class ServiceFailed(LoggedEvent):
    """A maintenance service failed; it is tried again, and the other services go on.

    Attributes:
        reason: The database's message; None for an error of pgqueue's own.
        error: The error of pgqueue's own; None where `reason` says all.
    """

    NAME: ClassVar[str] = "service.failed"
    LEVEL: ClassVar[int] = logging.ERROR

    service: str
    failures: int
    pause_seconds: float
    reason: str | None = None
    error: BaseException | None = None

    @property
    def level(self) -> int:
        """ERROR for an error of pgqueue's own, WARNING for the database's."""
        return logging.WARNING if self.error is None else logging.ERROR


@dataclass(frozen=True, kw_only=True)
class SchemaTooNewEvent(LoggedEvent):
    """A newer release migrated the schema, which excludes this one; the supervisor stops."""

    NAME: ClassVar[str] = "schema.too_new"
    LEVEL: ClassVar[int] = logging.ERROR

    reason: str


@dataclass(frozen=True, kw_only=True)
class SettingsIgnored(LoggedEvent):
    """A variable of the environment names no setting."""

    NAME: ClassVar[str] = "settings.ignored"
    LEVEL: ClassVar[int] = logging.WARNING

    reason: str


@dataclass(frozen=True, kw_only=True)
class EmbeddedUsed(LoggedEvent):
    """No URL is set, so that the embedded database is used."""

    NAME: ClassVar[str] = "embedded.used"
    LEVEL: ClassVar[int] = logging.WARNING

    folder: str


class EmbeddedMigrated(LoggedEvent):
    """The schema of the embedded database was brought up to date."""

    NAME: ClassVar[str] = "embedded.migrated"
    LEVEL: ClassVar[int] = logging.INFO
