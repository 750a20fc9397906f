"""The idle connections of a client: kept, shared, replaced, and not used by a forked child."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from pgqueue.client.client import Client
from pgqueue.client.idle_links import IDLE_MAX, IdleLinks
from pgqueue.core.errors import DatabaseUnreachable, ReplyLost
from pgqueue.core.new_job import NewJob
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link


@pytest.fixture
def links(database_url: str) -> Iterator[IdleLinks]:
    """The links of one database, without an idle one."""
    links = IdleLinks(Database(database_url))
    yield links
    links.close()


def test_a_returned_connection_is_used_again(links: IdleLinks) -> None:
    with links.borrow() as first:
        pass
    with links.borrow() as second:
        pass

    assert first is second


def test_two_borrowers_at_once_never_share_one(links: IdleLinks) -> None:
    with links.borrow() as first, links.borrow() as second:
        assert first is not second


def test_a_limited_number_of_connections_is_kept(links: IdleLinks) -> None:
    with ExitStack() as stack:
        borrowed = [stack.enter_context(links.borrow()) for _ in range(IDLE_MAX + 2)]

    assert IDLE_MAX == sum(link.is_usable for link in borrowed)


def test_a_connection_left_in_a_transaction_is_not_kept(links: IdleLinks) -> None:
    with links.borrow() as link:
        link.raw.execute("begin")

    assert link.raw.closed


@pytest.mark.own_session
def test_a_connection_that_broke_while_idle_is_replaced(links: IdleLinks, link: Link) -> None:
    with links.borrow() as idle:
        pid = idle.raw.info.backend_pid
    link.fetch("select pg_terminate_backend(%(pid)s, 10000)", {"pid": pid})

    with links.borrow() as replaced:
        rows = replaced.fetch("select 1", {})

    assert [(1,)] == rows
    assert idle is not replaced
    assert idle.raw.closed


@pytest.mark.own_session
def test_a_connection_that_breaks_in_use_raises_reply_lost(links: IdleLinks, link: Link) -> None:
    with pytest.raises(ReplyLost), links.borrow() as borrowed:
        pid = borrowed.raw.info.backend_pid
        link.fetch("select pg_terminate_backend(%(pid)s, 10000)", {"pid": pid})
        borrowed.fetch("select 1", {})

    with links.borrow() as fresh:
        assert [(1,)] == fresh.fetch("select 1", {})


@pytest.mark.own_session
def test_a_connection_that_takes_no_writes_is_not_kept(links: IdleLinks) -> None:
    with pytest.raises(DatabaseUnreachable, match="read-only") as raised, links.borrow() as link:
        link.raw.execute("set default_transaction_read_only = on")
        link.raw.execute("create table never (n integer)")

    assert not isinstance(raised.value, ReplyLost)
    assert link.raw.closed


def test_an_error_of_the_statement_is_raised_unchanged(links: IdleLinks) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), links.borrow() as borrowed:
        borrowed.fetch("select 1 / 0", {})

    with links.borrow() as again:
        assert borrowed is again


def test_a_closed_client_opens_new_connections(client: Client) -> None:
    client.close()
    client.insert(NewJob("t"))
    client.close()

    assert 1 == client.count()


def test_threads_share_a_client(client: Client) -> None:
    def work(_: int) -> None:
        for _ in range(20):
            client.insert(NewJob("t")).refresh()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert 160 == client.count()


def test_a_forked_child_leaves_its_parents_connections_alone(client: Client) -> None:
    client.insert(NewJob("parent"))

    child = os.fork()
    if child == 0:
        try:
            client.insert(NewJob("child"))
            client.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    client.insert(NewJob("parent"))

    assert ["parent", "child", "parent"] == [job.task for job in client.jobs()]


def test_greenlets_share_a_client_without_blocking_each_other(database_url: str) -> None:
    code = """
import sys
import gevent.monkey
gevent.monkey.patch_all()
import gevent
from pgqueue.client.client import Client
from pgqueue.core.new_job import NewJob

client = Client(sys.argv[1])

def work():
    with client._links.borrow() as link:
        link.fetch("select pg_sleep(0.3)", {})
    client.insert(NewJob("t"))

with gevent.Timeout(2):
    gevent.joinall([gevent.spawn(work) for _ in range(20)], raise_error=True)
print(client.count())
client.close()
"""

    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, database_url],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("20", "") == (process.stdout.strip(), process.stderr)


def test_a_process_that_never_closes_its_client_ends_without_a_warning(database_url: str) -> None:
    code = """
import sys
from pgqueue.client.client import Client

client = Client(sys.argv[1])
client.enqueue("t")
"""

    process = subprocess.run(
        [sys.executable, "-W", "always", "-c", code, database_url],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "" == process.stderr
