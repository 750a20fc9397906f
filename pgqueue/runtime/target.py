"""The choice of the database that a program uses, made here alone.

An `embedded:` URL starts the server, which runs until its last user has ended. The database
becomes the default client's, so that tasks of this process enqueue there.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pgqueue import embedded
from pgqueue.client.client import Client
from pgqueue.core.errors import NoDatabase, SchemaMissing, SchemaTooOld
from pgqueue.core.settings import Settings, load_settings
from pgqueue.store import schema_version
from pgqueue.store.connection.database import Database
from pgqueue.tasks.default import configure

Flags = Mapping[str, object]
"""Settings that a person named for this start, above all other sources; None leaves one out."""

Warn = Callable[[str], object]
"""Takes a message for a person; the door prints or logs it."""


def log_warning(message: str) -> None:
    """Log a message for a person as a warning of `pgqueue.runtime`."""
    logging.getLogger("pgqueue.runtime").warning(message)


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
    flags: Flags, *, migrate_embedded: bool = False, warn: Warn = log_warning
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
            warn("migrated the embedded database")
        yield target


@contextmanager
def open_unchecked(flags: Flags, *, warn: Warn = log_warning) -> Iterator[Target]:
    """The database of the settings, whatever the state of its schema.

    Raises:
        NoDatabase: No URL is set, and the extra `embedded` is not installed.
    """
    settings = _load(flags)
    for warning in settings.warnings:
        warn(warning)
    url = settings.url
    if url is None:
        if not embedded.is_installed():
            raise NoDatabase
        url = "embedded:"
        warn(f"no URL is set, using the embedded database in {embedded.DEFAULT_FOLDER}")
    if not embedded.is_embedded(url):
        configure(url=url, schema=settings.schema)
        yield Target(Database(url, settings.schema), settings, is_embedded=False)
        return
    with embedded.start(embedded.path_of(url)) as server:
        configure(url=server.url, schema=settings.schema)
        yield Target(Database(server.url, settings.schema), settings, is_embedded=True)


@contextmanager
def settings_for_inline(flags: Flags, *, warn: Warn = log_warning) -> Iterator[Settings]:
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


def _load(flags: Flags) -> Settings:
    return load_settings({name: value for name, value in flags.items() if value is not None})


def _check_schema(database: Database) -> None:
    link = database.open("pgqueue check")
    try:
        schema_version.check(link)
    finally:
        link.close()
