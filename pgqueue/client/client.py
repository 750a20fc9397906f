"""`Client`: the verbs of one database, for programs, the command line and pages alike.

A verb joins the caller's transaction when it gets a `connection`; otherwise it commits by itself.
The verbs of jobs and tasks belong to the client itself. Every other noun is an attribute with
verbs, as in `client.workers.list()`.

The async twin of a verb has the prefix `a`: `jobs`, `ajobs`. The twin of `wait` is `await_job`,
because `await` is a keyword. Cancelled while it waits for the database, a twin may have taken
effect.

The event loop never waits for the database. Without a `connection`, a thread connects, sends and
reads the answer. With one, the loop sends and reads on that connection. The loop does this work of
the processor itself:

- One job: the loop checks and encodes the arguments, and calls the listeners to events.
- Many jobs with a `connection`: the loop consumes, checks and encodes all jobs, a batch at a time,
  and calls the listeners. Without a connection, the thread does all of that.
- A first call imports modules, which may take tenths of a second. `pgqueue.default_client()` or
  `Client(...)` at the start of a program imports most of them.
"""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from pgqueue.client.actions import JobActions
from pgqueue.client.enqueueing import JobEnqueueing
from pgqueue.client.idle_links import CONNECTIONS_MAX, IdleLinks
from pgqueue.client.jobs import JobReading
from pgqueue.client.tasks import TaskReading
from pgqueue.client.workers import Workers
from pgqueue.core.errors import InvalidOption, NoDatabase, UnsupportedConnection
from pgqueue.core.settings import load_settings
from pgqueue.store.connection.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine


class Client(JobEnqueueing, JobReading, JobActions, TaskReading):
    """The verbs of one database.

    Threads, greenlets and an event loop may share a client. A forked child may use its parent's.
    A client opens at most `connections_max` connections of its own and keeps up to four idle ones.
    When all are in use, a call waits for 30 s at most. An argument that is not given comes from the
    settings.

    Args:
        url_or_engine: `postgresql://…` (libpq's or SQLAlchemy's form), a libpq `key=value`
            string, or an engine of SQLAlchemy: its URL is used, password included, not its pool.
        schema: The schema of pgqueue's tables.
        args_bytes_max: Limit of the arguments of a job that is enqueued by name.
        connections_max: 1 to 1,000.

    Attributes:
        workers: The workers, with their verbs.

    Raises:
        NoDatabase: Neither a URL nor the setting `url` was given.
        InvalidSettings: A setting or the schema's name has a bad value.
        UnsupportedConnection: The engine is not PostgreSQL's.
        InvalidOption: `connections_max` is out of bounds.
    """

    def __init__(
        self,
        url_or_engine: "str | Engine | AsyncEngine | None" = None,
        *,
        schema: str | None = None,
        args_bytes_max: int | None = None,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        if type(connections_max) is not int or not 1 <= connections_max <= 1_000:
            raise InvalidOption("connections_max", connections_max, "it takes 1 to 1,000.")
        settings = load_settings({"schema": schema, "args_bytes_max": args_bytes_max})
        url = settings.url if url_or_engine is None else _url(url_or_engine)
        if url is None:
            raise NoDatabase()
        database = Database(url, settings.schema)
        super().__init__(database, IdleLinks(database, connections_max=connections_max))
        self.args_bytes_max = settings.args_bytes_max
        self.workers = Workers(self.database, self._links)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the idle connections; the client stays usable and opens new ones."""
        self._links.close()


def _url(url_or_engine: object) -> str:
    if isinstance(url_or_engine, str):
        return url_or_engine
    url = getattr(url_or_engine, "url", None)
    if url is None or not hasattr(url, "render_as_string"):
        raise UnsupportedConnection(
            type(url_or_engine).__name__, "Pass a URL or an engine of SQLAlchemy."
        )
    if url.get_backend_name() != "postgresql":
        raise UnsupportedConnection(
            type(url_or_engine).__name__,
            f"Its database is {url.get_backend_name()}: jobs live in PostgreSQL.",
        )
    text: str = url.render_as_string(hide_password=False)
    # SQLAlchemy writes spaces as they are, and libpq refuses them.
    return text.replace(" ", "%20")
