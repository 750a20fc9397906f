"""A stalled connection, whose bytes a proxy still acknowledges, is detected."""

import time
from collections.abc import Iterator
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

import psycopg
import pytest
from chaos.proxy import Mode, Proxy
from chaos.server import Server
from registering import identity

from pgqueue.client import idle_links
from pgqueue.client.client import Client
from pgqueue.process import dispatcher as dispatcher_module
from pgqueue.process.dispatcher import Dispatcher
from pgqueue.process.request_reader import RequestReader
from pgqueue.schema import migrate
from pgqueue.store.connection import session
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import Statement, run


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    """A migrated database, without the proxy."""
    migrate.upgrade(server.url, "pgqueue")
    return server.url


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """A proxy before the server."""
    new_proxy = Proxy(server.port)
    yield new_proxy
    new_proxy.close()


@pytest.fixture
def link(server: Server, proxy: Proxy) -> Iterator[Link]:
    """A connection of our own through the proxy."""
    new_link = Database(server.url_at(proxy.port)).open()
    yield new_link
    new_link.close()


@pytest.fixture
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are pinged at once, and the ping has a short limit."""
    monkeypatch.setattr(session, "_SHORT_ANSWER_SECONDS_MAX", 0.2)
    monkeypatch.setattr(idle_links, "_PING_AFTER_IDLE_SECONDS", 0.0)


def _stall(proxy: Proxy) -> None:
    proxy.set(Mode.BLACK_HOLE)
    deadline = time.monotonic() + 5
    while proxy.mode is not Mode.BLACK_HOLE and time.monotonic() < deadline:
        pass  # the thread of the proxy applies the mode
    proxy.set(Mode.PASS)


def test_a_connection_that_does_not_answer_a_ping_is_closed(
    proxy: Proxy, link: Link, short_timeout: None
) -> None:
    assert link.is_alive(ping_after_idle_seconds=0.0)

    _stall(proxy)

    assert link.is_alive(ping_after_idle_seconds=60.0)
    assert not link.is_alive(ping_after_idle_seconds=0.0)
    assert not link.is_usable


def test_an_overdue_answer_closes_the_connection(proxy: Proxy, link: Link) -> None:
    assert isinstance(link.raw, session.OwnConnection)
    link.raw.answer_seconds_max = 0.2
    _stall(proxy)

    with pytest.raises(psycopg.OperationalError):
        link.fetch("select 1", {})

    assert not link.is_usable


def test_a_client_replaces_a_stalled_idle_connection(
    server: Server, url: str, proxy: Proxy, short_timeout: None
) -> None:
    with Client(server.url_at(proxy.port)) as client, Client(url) as other:
        client.tasks()
        _stall(proxy)

        job = client.enqueue("t")

        assert "queued" == other.job(job.id).status


@pytest.fixture
def dispatcher(
    server: Server, url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Dispatcher]:
    """A dispatcher without pauses that does not ping its connection."""
    monkeypatch.setattr(Dispatcher, "ping_after_idle_seconds", 60.0)
    monkeypatch.setattr(dispatcher_module, "_REST_SECONDS_MAX", 0.0)
    new_dispatcher = Dispatcher(
        Database(server.url_at(proxy.port)),
        supervisor_id=1,
        identity=identity(),
        poll_seconds=60.0,
        on_ready=lambda ready, wakes: None,
        request_reader=RequestReader(1, lambda requests: None),
    )
    new_dispatcher.run_once()
    yield new_dispatcher
    new_dispatcher.close()


def test_an_unanswered_ready_scan_soon_closes_the_connection(
    proxy: Proxy, dispatcher: Dispatcher, short_timeout: None
) -> None:
    _stall(proxy)
    started_seconds = time.monotonic()

    with pytest.raises(psycopg.OperationalError):
        dispatcher.run_once()

    assert time.monotonic() - started_seconds < 10.0


def test_a_slow_ready_scan_times_out_once_and_then_gets_more_time(
    dispatcher: Dispatcher, short_timeout: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = SimpleQueue[str]()

    def slowly(link: Link, statement: Statement[Any]) -> Any:
        if statement.file != "find_ready":
            return run(link, statement)
        try:
            link.fetch("select pg_catalog.pg_sleep(0.5)", {})
        except psycopg.OperationalError:
            results.put("timed out")
            raise
        results.put("answered")
        return replace(run(link, statement), seconds=0.5)

    monkeypatch.setattr(dispatcher_module, "run", slowly)
    dispatcher.start()

    assert ["timed out", *3 * ["answered"]] == [results.get(timeout=20) for _ in range(4)]
    dispatcher.stop()
