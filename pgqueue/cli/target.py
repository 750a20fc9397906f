"""The one place where the command line decides which database it speaks to.

Resolves `embedded:` by starting the server, which lives as long as somebody uses it; tells
the default client; and checks that schema and release fit.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pgqueue import embedded
from pgqueue.client.client import Client
from pgqueue.core.errors import NoDatabase, SchemaMissing, SchemaTooOld
from pgqueue.core.settings import Settings, load_settings
from pgqueue.store import schema_version
from pgqueue.store.connection.database import Database
from pgqueue.tasks.default import configure


@dataclass(frozen=True, slots=True)
class Target:
    """A database that answers, the settings it came from, and whether it is the embedded one."""

    database: Database
    settings: Settings
    is_embedded: bool

    def client(self) -> Client:
        """A client of it."""
        return Client(self.database.url, schema=self.database.schema.name)


@contextmanager
def target(flags: Mapping[str, object], *, migrate_embedded: bool = False) -> Iterator[Target]:
    """Resolve the database of the settings, with *flags* on top.

    Args:
        flags: Settings given on the command line; None stands for not given.
        migrate_embedded: Bring an embedded database's schema up to date; never another's.

    Raises:
        NoDatabase: No URL is set, and the extra `embedded` is not installed.
        SchemaMismatch: The schema and this release do not fit.
    """
    with unchecked(flags) as found:
        try:
            _check(found.database)
        except (SchemaMissing, SchemaTooOld):
            if not (found.is_embedded and migrate_embedded):
                raise
            from pgqueue.schema import migrate

            migrate.upgrade(found.database.url, found.database.schema.name, after=True)
            print("pgqueue: migrated the embedded database", file=sys.stderr)
        yield found


@contextmanager
def unchecked(flags: Mapping[str, object]) -> Iterator[Target]:
    """Like `place`, whatever the state of the schema."""
    settings = load_settings({name: value for name, value in flags.items() if value is not None})
    for warning in settings.warnings:
        print(f"pgqueue: {warning}", file=sys.stderr)
    url = settings.url
    if url is None:
        if not embedded.is_installed():
            raise NoDatabase
        url = "embedded:"
        folder = embedded.DEFAULT_FOLDER
        print(f"pgqueue: no URL is set, using the embedded database in {folder}", file=sys.stderr)
    if not embedded.is_embedded(url):
        configure(url=url, schema=settings.schema)
        yield Target(Database(url, settings.schema), settings, False)
        return
    with embedded.start(embedded.path_of(url)) as server:
        configure(url=server.url, schema=settings.schema)
        yield Target(Database(server.url, settings.schema), settings, True)


@contextmanager
def available(flags: Mapping[str, object]) -> Iterator[Settings]:
    """The settings, with their database for what runs here: a task that needs none needs none.

    An embedded server is started if one is named, or was made here before.
    """
    settings = load_settings({name: value for name, value in flags.items() if value is not None})
    url = settings.url
    if embedded.is_embedded(url) if url else embedded.DEFAULT_FOLDER.exists():
        with unchecked(flags):
            yield settings
        return
    if url is not None:
        configure(url=url, schema=settings.schema)
    yield settings


def _check(database: Database) -> None:
    link = database.open("pgqueue cli")
    try:
        schema_version.check(link)
    finally:
        link.close()
