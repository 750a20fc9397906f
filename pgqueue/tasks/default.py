"""The default client, for programs with one database; made at its first use.

Tasks and `pgqueue.enqueue` use it. Its URL and schema come from `configure`, else from the
settings. This module never opens a connection.
"""

from collections.abc import Mapping
from threading import RLock
from typing import TYPE_CHECKING, Final, Unpack

from pgqueue.core.errors import EmbeddedUnavailable, NoDatabase
from pgqueue.core.options import CALL_OPTIONS, CallKeywords, check_names
from pgqueue.core.settings import load_settings

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    from pgqueue.client.client import Client
    from pgqueue.core.job import Job


class _Default:
    """The client of this process, and the values that it is made from.

    Any thread may write it while it has locked `changing`; readers need no lock.

    Attributes:
        guest: Serves callers' connections while no database is configured.
    """

    def __init__(self) -> None:
        self.changing = RLock()
        self.url: str | Engine | AsyncEngine | None = None
        self.schema: str | None = None
        self.client: Client | None = None
        self.guest: Client | None = None


_DEFAULT: Final = _Default()


def configure(
    *, url: "str | Engine | AsyncEngine | None" = None, schema: str | None = None
) -> None:
    """Set the database that tasks use without a `connection=`.

    Replaces the former configuration; the idle connections of the former client close.

    Args:
        url: In SQLAlchemy or libpq form, or an engine of SQLAlchemy's; None for the setting `url`.
        schema: None for the setting `schema`.
    """
    with _DEFAULT.changing:
        former, _DEFAULT.client = _DEFAULT.client, None
        _DEFAULT.guest = None
        _DEFAULT.url = url
        _DEFAULT.schema = schema
    if former is not None:
        former.close()


def default_client() -> "Client":
    """Return the client of this process, which threads share.

    Raises:
        NoDatabase: No URL was configured.
        InvalidSettings: A setting has a bad value.
        EmbeddedUnavailable: The URL names the embedded PostgreSQL, which only commands start.
    """
    client = _DEFAULT.client
    if client is None:
        with _DEFAULT.changing:
            client = _DEFAULT.client
            if client is None:
                client = _DEFAULT.client = _make(needs_url=True)
    return client


def client_for(connection: object) -> "Client":
    """Return the default client; with a caller's connection it may have no database of its own.

    Raises:
        NoDatabase: No URL was configured, and there is no connection.
    """
    if connection is None or _DEFAULT.client is not None:
        return default_client()
    if _DEFAULT.guest is None:
        try:
            return default_client()
        except (NoDatabase, EmbeddedUnavailable):
            _DEFAULT.guest = _make(needs_url=False)
    return _DEFAULT.guest


def enqueue(
    task: str, args: Mapping[str, object] | None = None, **options: Unpack[CallKeywords]
) -> "Job":
    """Insert one job of a task by its name, without its code.

    An option that is not passed is the one that a worker recorded for the task, else the default.
    The arguments are compared with the task's signature when the job runs.

    Args:
        task: Canonical path or alias.
        args: Arguments by parameter name, of JSON's types.
        options: The options of `Task.using`.

    Raises:
        InvalidOption: One of the options does not exist or is out of bounds.
        UnstorableValue: One of the arguments cannot be stored; nothing was sent.
        PayloadTooLarge: The arguments exceed `args_bytes_max`; nothing was sent.
        NoDatabase: None was configured, and there is no connection.
        DatabaseUnreachable: No server answers; only without a connection.
    """
    check_names(CALL_OPTIONS, options)
    return client_for(options.get("connection")).enqueue(task, args, **options)


async def aenqueue(
    task: str, args: Mapping[str, object] | None = None, **options: Unpack[CallKeywords]
) -> "Job":
    """Insert one job of a task by its name: the asyncio twin of `enqueue`."""
    check_names(CALL_OPTIONS, options)
    return await client_for(options.get("connection")).aenqueue(task, args, **options)


def _make(*, needs_url: bool) -> "Client":
    # Imported late: a program that only defines tasks must not load psycopg.
    from pgqueue.client.client import Client

    flags = {"schema": _DEFAULT.schema}
    settings = load_settings(flags)
    url = _DEFAULT.url or settings.url
    if isinstance(url, str) and url.startswith("embedded:"):
        if needs_url:
            raise EmbeddedUnavailable(
                f"{url} is a server that only the commands of `pgqueue` start"
            )
        url = None
    if url is None and needs_url:
        raise NoDatabase
    return Client(url or "", schema=settings.schema, args_bytes_max=settings.args_bytes_max)
