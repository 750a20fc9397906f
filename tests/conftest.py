"""The PostgreSQL server of a test run, and a fresh database for each test.

The server is that of PGQUEUE_TEST_URL, if set. Else it is started from the programs in
PGQUEUE_TEST_PG_BIN, if set, else in a container if a Docker engine answers, else from the embedded
wheel. The URL `embedded:` always means the wheel. A server that is started here keeps its data in
memory, if enough of it is free: see `parts/server_folders.py`. With PGQUEUE_TEST_POOLED set, tests
reach their databases through PgBouncer in transaction mode. PGQUEUE_TEST_VARIANT names a variant
of the databases: see `parts/variant.py`.
"""

import compileall
import fcntl
import os
import shutil
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
import pytest
import variant
from pgbouncer import pgbouncer
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from queue_database import QueueDatabase
from server_folders import open_server_folder

import pgqueue
from pgqueue import embedded
from pgqueue.client.client import Client
from pgqueue.schema import migrate
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.telemetry import event_log

# A crash may lose data here; a commit is visible to other sessions all the same.
_SETTINGS = {"fsync": "off", "max_connections": "300", "full_page_writes": "off"}

Administrator = Callable[[], "psycopg.Connection[Any]"]

# With the name of a second database, it copies that one, which must have no session.
FreshDatabase = Callable[..., AbstractContextManager[str]]

# Passes the folder of the embedded server from the first process of a run to its workers.
_FOLDER_VARIABLE = "PGQUEUE_TEST_FOLDER"


def pytest_configure(config: pytest.Config) -> None:
    """Create one folder for all processes of a run, compile pgqueue, and check the variant."""
    if not hasattr(config, "workerinput"):
        os.environ[_FOLDER_VARIABLE] = str(open_server_folder())
        # Under PYTHONDONTWRITEBYTECODE each process of a test would compile it again, which takes
        # a fifth of its CPU time.
        compileall.compile_dir(Path(pgqueue.__file__).parent, quiet=2)
    variant.chosen()
    event_log.install()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder after the run's server has stopped."""
    if not hasattr(config, "workerinput"):
        _remove(Path(os.environ[_FOLDER_VARIABLE]))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose marker excludes the run's variant."""
    for mark in item.iter_markers("not_under"):
        if mark.args == (variant.chosen().name,):
            pytest.skip(mark.kwargs["reason"])


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The server of all processes of a run."""
    url = os.environ.get("PGQUEUE_TEST_URL", "")
    programs = None if url else os.environ.get("PGQUEUE_TEST_PG_BIN")
    if url and not embedded.is_embedded(url):
        yield url
    elif not url and not programs and _docker_answers():
        with _container() as container_url:
            yield container_url
    else:
        with embedded.start(
            Path(os.environ[_FOLDER_VARIABLE]),
            settings=_SETTINGS,
            bin_folder=Path(programs) if programs else None,
        ) as server:
            yield server.url


@pytest.fixture(scope="session")
def entrance_url(server_url: str) -> Iterator[str]:
    """The URL that tests connect to: of the server, or of a pooler before it."""
    if os.environ.get("PGQUEUE_TEST_POOLED"):
        with pgbouncer(server_url) as url:
            yield url
    else:
        yield server_url


@pytest.fixture
def default_signals() -> Iterator[None]:
    """A process that the test starts ignores no stop signal, as it would under `nohup`."""
    # A process inherits what is ignored, and gets the default for what has a handler.
    ignored = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is signal.SIG_IGN
    ]
    for number in ignored:
        signal.signal(number, lambda signum, frame: None)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """A folder for an embedded server of one test, which must stop before the test ends."""
    folder = open_server_folder()
    yield folder
    _remove(folder)


@pytest.fixture
def wait_until_stopped() -> Callable[[Path], None]:
    """A function that waits until no process uses an embedded server's folder."""
    return _wait_until_stopped


@pytest.fixture(scope="session")
def administrator(server_url: str) -> Iterator[Administrator]:
    """Gives a connection that creates and drops databases."""
    opened: list[psycopg.Connection[Any]] = []

    def usable() -> "psycopg.Connection[Any]":
        # A timeout or a late signal of one test may end a statement halfway. All later tests of
        # the process would fail with that connection.
        while opened and opened[0].info.transaction_status != TransactionStatus.IDLE:
            opened.pop().close()
        if not opened:
            opened.append(_connect(server_url))
        return opened[0]

    yield usable
    for connection in opened:
        connection.close()


@pytest.fixture(scope="session")
def template(server_url: str, administrator: Administrator) -> Iterator[str]:
    """The name of a migrated database to copy."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    administrator().execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    url, chosen = url_of(server_url, name), variant.chosen()
    with _connect(url) as own:
        chosen.meet(own)
    chosen.set(administrator(), name)
    migrate.upgrade(url, "pgqueue")
    with _connect(url) as own:
        chosen.spoil(own)
    yield name
    _drop(administrator(), name)


@pytest.fixture(scope="session")
def fresh_database(administrator: Administrator, template: str) -> Iterator[FreshDatabase]:
    """A function that makes a migrated database for a block, behind an entrance."""
    # A copy of files takes half the CPU time, but checkpoints, which are slow where they last.
    (durable,) = administrator().execute("select current_setting('fsync')::boolean").fetchall()[0]
    copy = "create database {} template {} strategy " + ("wal_log" if durable else "file_copy")
    # PostgreSQL waits 0.1 seconds to drop a database whose last session has just ended. So a
    # database is dropped when the next one has been made.
    left: list[str] = []

    @contextmanager
    def make(entrance_url: str, original: str = template) -> Iterator[str]:
        name = f"test_{uuid.uuid4().hex[:12]}"
        administrator().execute(
            sql.SQL(copy).format(sql.Identifier(name), sql.Identifier(original))
        )
        variant.chosen().set(administrator(), name)
        while left:
            _drop(administrator(), left.pop())
        try:
            yield url_of(entrance_url, name)
        finally:
            left.append(name)

    yield make
    while left:
        _drop(administrator(), left.pop())


@pytest.fixture
def database_url(
    fresh_database: FreshDatabase,
    server_url: str,
    entrance_url: str,
    request: pytest.FixtureRequest,
) -> Iterator[str]:
    """A fresh, migrated database."""
    needs_server = request.node.get_closest_marker("own_session")
    with fresh_database(server_url if needs_server else entrance_url) as url:
        yield url


@pytest.fixture
def link(database_url: str) -> Iterator[Link]:
    """A link of the library to the fresh database."""
    opened = Database(database_url).open()
    yield opened
    opened.close()


@pytest.fixture
def db(link: Link) -> QueueDatabase:
    """The fresh database, with shorthands for what a worker, a supervisor and a person do."""
    return QueueDatabase(link)


@pytest.fixture
def client(database_url: str) -> Iterator[Client]:
    """A client of the fresh database."""
    with Client(database_url) as opened:
        yield opened


def url_of(server_url: str, database: str) -> str:
    """The URL of another database on the same server."""
    fields: dict[str, Any] = conninfo_to_dict(server_url)
    user = quote(fields.pop("user", "postgres"), safe="")
    fields.pop("dbname", None)
    return f"postgresql://{user}@/{database}?{urlencode(fields, quote_via=quote)}"


def _connect(server_url: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(server_url, autocommit=True)


def _drop(connection: "psycopg.Connection[Any]", name: str) -> None:
    connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _remove(folder: Path) -> None:
    _wait_until_stopped(folder)
    shutil.rmtree(folder)


def _wait_until_stopped(folder: Path) -> None:
    with folder.joinpath("server.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


def _docker_answers() -> bool:
    if not (Path("/var/run/docker.sock").exists() or os.environ.get("DOCKER_HOST")):
        return False
    import docker

    try:
        return bool(docker.from_env().ping())
    except docker.errors.DockerException:
        return False


@contextmanager
def _container() -> Iterator[str]:
    from testcontainers.postgres import PostgresContainer

    with PostgresContainer("postgres:18", driver=None) as container:
        yield container.get_connection_url()
