"""Connections and tables of the tests of the store."""

from collections.abc import Iterator

import pytest
from applications import KINDS, Application
from queue_database import QueueDatabase

from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.connection.session import GENERIC_PLANS, INDEX_ORDER_ONLY


@pytest.fixture
def other_link(database_url: str, request: pytest.FixtureRequest) -> Link:
    """Another connection to the same database."""
    link = Database(database_url).open()
    request.addfinalizer(link.close)
    return link


@pytest.fixture
def fetcher_db(database_url: str) -> Iterator[QueueDatabase]:
    """The database on a connection with the settings of a worker's fetcher."""
    link = Database(database_url).open("pgqueue fetcher", INDEX_ORDER_ONLY)
    yield QueueDatabase(link)
    link.close()


@pytest.fixture
def loop_db(database_url: str) -> Iterator[QueueDatabase]:
    """The database on a connection with the settings of the other loops."""
    link = Database(database_url).open("pgqueue finisher", GENERIC_PLANS)
    yield QueueDatabase(link)
    link.close()


@pytest.fixture
def orders(db: QueueDatabase) -> Iterator[None]:
    """A table of the application, `public.orders`."""
    db.rows("create table public.orders (id bigint generated always as identity)")
    yield
    db.rows("drop table public.orders")


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def application(request: pytest.FixtureRequest) -> Application:
    """An application of each kind, not yet connected."""
    kind: type[Application] = request.param
    return kind()
