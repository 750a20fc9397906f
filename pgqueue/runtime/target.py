"""The choice of the database that a program uses, made here alone.

An `embedded:` URL starts the server, which runs until its last user has ended. The database
becomes the default client's, so that tasks of this process enqueue there.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pgqueue import embedded
from pgqueue.client.client import Client
from pgqueue.core.errors import NoDatabase, SchemaMissing, SchemaTooOld
from pgqueue.core.events.event import Event, emit
from pgqueue.core.events.services import EmbeddedMigrated, EmbeddedUsed, SettingsIgnored
from pgqueue.core.settings import Settings, load_settings
from pgqueue.store import schema_version
from pgqueue.store.connection.database import Database
from pgqueue.tasks.default import configure
from pgqueue.telemetry import event_log

Flags = Mapping[str, object]
"""Settings that a person named for this start, above all other sources; None leaves one out."""

Warn = Callable[[str], object]
"""Takes a message for a person, such as a function that prints it; None emits events instead."""


@dataclass(frozen=True, slots=True)
class Target:
    """A database that answers, the settings that name it, and whether it is the embedded one."""

    database: Database
    settings: Settings
    is_embedded: bool

    def client(self) -> Client:
        """A new client of the database."""
        return Client(self.database.url, schema=self.database.schema.name)


@contextmanager
def open_target(
    flags: Flags, *, migrate_embedded: bool = False, warn: Warn | None = None
) -> Iterator[Target]:
    """The database of the settings, with a schema that fits this release.

    Args:
        migrate_embedded: Bring an embedded database's schema up to date; never another's.

    Raises:
        NoDatabase: No URL is set, and the extra `embedded` is not installed.
        SchemaMismatch: The schema and this release do not fit.
    """
    with open_unchecked(flags, warn=warn) as target:
        try:
            _check_schema(target.database)
        except (SchemaMissing, SchemaTooOld):
            if not (target.is_embedded and migrate_embedded):
                raise
            # Here, because SQLAlchemy and Alembic would delay every other start.
            from pgqueue.schema import migrate

            migrate.upgrade(target.database.url, target.database.schema.name, after=True)
            _report(EmbeddedMigrated(), "migrated the embedded database", warn)
        yield target


@contextmanager
def open_unchecked(flags: Flags, *, warn: Warn | None = None) -> Iterator[Target]:
    """The database of the settings, whatever the state of its schema.

    Raises:
        NoDatabase: No URL is set, and the extra `embedded` is not installed.
    """
    settings = _load(flags)
    for warning in settings.warnings:
        _report(SettingsIgnored(reason=warning), warning, warn)
    url = settings.url
    if url is None:
        if not embedded.is_installed():
            raise NoDatabase
        url = "embedded:"
        folder = str(embedded.DEFAULT_FOLDER)
        message = f"no URL is set, using the embedded database in {folder}"
        _report(EmbeddedUsed(folder=folder), message, warn)
    if not embedded.is_embedded(url):
        configure(url=url, schema=settings.schema)
        yield Target(Database(url, settings.schema), settings, is_embedded=False)
        return
    with embedded.start(embedded.path_of(url)) as server:
        configure(url=server.url, schema=settings.schema)
        yield Target(Database(server.url, settings.schema), settings, is_embedded=True)


@contextmanager
def settings_for_inline(flags: Flags, *, warn: Warn | None = None) -> Iterator[Settings]:
    """The settings for a task that runs in this process, with their database where there is one.

    A task that needs no database runs without one. An embedded server is started if the URL
    names one, or if the default folder holds one already.
    """
    settings = _load(flags)
    url = settings.url
    if embedded.is_embedded(url) if url else embedded.DEFAULT_FOLDER.exists():
        with open_unchecked(flags, warn=warn):
            yield settings
        return
    if url is not None:
        configure(url=url, schema=settings.schema)
    yield settings


def _report(event: Event, message: str, warn: Warn | None) -> None:
    if warn is not None:
        warn(message)
        return
    # A program opens its target before anything else could install the log lines of events.
    event_log.install()
    emit(event)


def _load(flags: Flags) -> Settings:
    return load_settings({name: value for name, value in flags.items() if value is not None})


def _check_schema(database: Database) -> None:
    link = database.open("pgqueue check")
    try:
        schema_version.check(link)
    finally:
        link.close()
