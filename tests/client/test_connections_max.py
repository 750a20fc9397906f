"""The limit of a client's connections: threads, greenlets and coroutines wait for one of them."""

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from pgqueue.client.client import Client
from pgqueue.client.idle_links import (
    CONNECTIONS_MAX,
    IDLE_MAX,
    WAIT_SECONDS_MAX,
    IdleLinks,
)
from pgqueue.core.errors import ConnectionsInUse, DatabaseUnreachable, InvalidOption
from pgqueue.core.new_job import NewJob
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link

MakeLinks = Callable[..., IdleLinks]


@pytest.fixture
def make_links(database_url: str) -> Iterator[MakeLinks]:
    """A function that makes links with limits, which close at the end."""
    with ExitStack() as stack:

        def make(*, connections_max: int, wait_seconds_max: float = WAIT_SECONDS_MAX) -> IdleLinks:
            links = IdleLinks(
                Database(database_url),
                connections_max=connections_max,
                wait_seconds_max=wait_seconds_max,
            )
            stack.callback(links.close)
            return links

        yield make


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Link]:
    """Every link that was opened in the test."""
    links: list[Link] = []
    open_link = Database.open

    def record(self: Database) -> Link:
        link = open_link(self)
        links.append(link)
        return link

    monkeypatch.setattr(Database, "open", record)
    return links


def test_a_borrower_waits_until_a_link_is_returned(make_links: MakeLinks) -> None:
    links = make_links(connections_max=1)
    is_waiting = threading.Event()

    def borrow() -> Link:
        is_waiting.set()
        with links.borrow() as link:
            return link

    with ThreadPoolExecutor(1) as pool:
        with links.borrow() as first:
            second = pool.submit(borrow)
            assert is_waiting.wait(30)
            assert not second.done()
        assert first is second.result(30)


def test_a_wait_that_takes_too_long_is_an_error(make_links: MakeLinks) -> None:
    links = make_links(connections_max=2, wait_seconds_max=0.05)

    def borrow() -> None:
        with links.borrow():
            raise AssertionError("a third link was lent")

    def lend(count: int) -> None:
        with links.borrow():
            if count:
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(lend, count - 1).result(30)
            else:
                with ThreadPoolExecutor(1) as pool, pytest.raises(ConnectionsInUse) as caught:
                    pool.submit(borrow).result(30)
                assert "2 connections were in use for 0.05 s" in str(caught.value)
                assert isinstance(caught.value, DatabaseUnreachable)

    lend(1)
    lend(1)


def test_many_threads_share_the_connections(client: Client, opened: list[Link]) -> None:
    together = threading.Barrier(40)

    def work(_: int) -> None:
        together.wait(30)
        for _ in range(5):
            client.insert(NewJob("t"))

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(work, range(40)))

    assert 200 == client.count()
    assert len(opened) <= 2 * CONNECTIONS_MAX


def test_many_coroutines_share_the_connections(client: Client, opened: list[Link]) -> None:
    async def work() -> None:
        await asyncio.gather(*(client.ainsert(NewJob("t")) for _ in range(200)))

    asyncio.run(work())

    assert 200 == client.count()
    assert len(opened) <= 2 * CONNECTIONS_MAX


def test_hundreds_of_greenlets_share_the_connections(database_url: str) -> None:
    code = """
import sys
import gevent.monkey
gevent.monkey.patch_all()
import gevent
from pgqueue.client.client import Client
from pgqueue.core.new_job import NewJob

client = Client(sys.argv[1])
seen = []

def work():
    client.insert(NewJob("t"))
    with client._links.borrow() as link:
        statement = "select count(*) from pg_stat_activity where application_name = 'pgqueue'"
        [(count,)] = link.fetch(statement + " and datname = current_database()", {})
        seen.append(count)

gevent.joinall([gevent.spawn(work) for _ in range(300)], raise_error=True)
print(client.count(), max(seen) <= 12)
client.close()
"""

    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, database_url],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("300 True", "") == (process.stdout.strip(), process.stderr)


def test_a_borrower_that_borrows_again_does_not_wait_for_itself(database_url: str) -> None:
    with Client(database_url, connections_max=1) as client:

        def calls() -> Iterator[NewJob]:
            for _ in range(3):
                client.insert(NewJob("other"))
                yield NewJob("t")

        assert 3 == client.insert_many(calls())
        assert 6 == client.count()


def test_a_slot_that_its_borrower_lost_is_free_again(make_links: MakeLinks) -> None:
    links = make_links(connections_max=1, wait_seconds_max=30.0)

    def lose() -> None:
        links._take_slot()  # an error from outside comes before anything is done with it

    with ThreadPoolExecutor(1) as pool:
        pool.submit(lose).result(30)
    gc.collect()

    with links.borrow() as link:
        assert link.is_usable


def test_a_connection_that_cannot_be_opened_takes_no_slot() -> None:
    links = IdleLinks(Database("postgresql://localhost:1/none"), connections_max=1)

    for _ in range(3):
        with pytest.raises(DatabaseUnreachable) as caught, links.borrow():
            pass
        assert not isinstance(caught.value, ConnectionsInUse)


def test_only_a_few_connections_stay_idle(client: Client, opened: list[Link]) -> None:
    together = threading.Barrier(8)

    def work(_: int) -> None:
        with client._links.borrow():
            together.wait(30)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert IDLE_MAX == sum(not link.raw.closed for link in opened)


@pytest.mark.parametrize("value", [0, 1_001, True, 1.5, None])
def test_a_bad_limit_is_refused(value: int) -> None:
    with pytest.raises(InvalidOption, match="connections_max"):
        Client("postgresql://nowhere.invalid/none", connections_max=value)
