"""A connection that fell silent, whose bytes somebody still acknowledges, as a proxy may."""

import time
from collections.abc import Iterator
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

import psycopg
import pytest
from chaos.proxy import Mode, Proxy
from chaos.server import Server

from pgqueue.client import idle_links
from pgqueue.client.client import Client
from pgqueue.process import dispatcher as watch_module
from pgqueue.process.dispatcher import Dispatcher
from pgqueue.schema import migrate
from pgqueue.store.connection import session
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import Statement, run


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    """A migrated database, past the proxy."""
    migrate.upgrade(server.url, "pgqueue")
    return server.url


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """A proxy before the server."""
    made = Proxy(server.port)
    yield made
    made.close()


@pytest.fixture
def link(server: Server, proxy: Proxy) -> Iterator[Link]:
    """A connection of our own through the proxy."""
    made = Database(server.url_at(proxy.port)).open()
    yield made
    made.close()


@pytest.fixture
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign of life is asked for at once, and not waited for as long."""
    monkeypatch.setattr(session, "_SIGN_SECONDS_MAX", 0.2)
    monkeypatch.setattr(idle_links, "_PING_AFTER_IDLE_SECONDS", 0.0)


def _fall_silent(proxy: Proxy) -> None:
    proxy.set(Mode.BLACK_HOLE)
    until = time.monotonic() + 5
    while proxy.mode is not Mode.BLACK_HOLE and time.monotonic() < until:
        pass  # its own thread takes the mode on
    proxy.set(Mode.PASS)


def test_a_connection_without_a_sign_of_life_is_given_up(
    proxy: Proxy, link: Link, short_timeout: None
) -> None:
    assert link.is_alive(ping_after_idle_seconds=0.0)

    _fall_silent(proxy)

    assert link.is_alive(ping_after_idle_seconds=60.0)
    assert not link.is_alive(ping_after_idle_seconds=0.0)
    assert not link.is_usable


def test_an_answer_that_is_overdue_closes_the_connection(proxy: Proxy, link: Link) -> None:
    assert isinstance(link.raw, session.OwnConnection)
    link.raw.answer_seconds_max = 0.2
    _fall_silent(proxy)

    with pytest.raises(psycopg.OperationalError):
        link.fetch("select 1", {})

    assert not link.is_usable


def test_a_client_replaces_an_idle_connection_that_fell_silent(
    server: Server, url: str, proxy: Proxy, short_timeout: None
) -> None:
    with Client(server.url_at(proxy.port)) as client, Client(url) as other:
        client.tasks()
        _fall_silent(proxy)

        job = client.enqueue("t")

        assert "queued" == other.job(job.id).status


@pytest.fixture
def watch(
    server: Server, url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Dispatcher]:
    """A watch in a rush: it looks, and trusts its connection."""
    monkeypatch.setattr(Dispatcher, "ping_after_idle_seconds", 60.0)
    monkeypatch.setattr(watch_module, "_REST_SECONDS_MAX", 0.0)
    made = Dispatcher(
        Database(server.url_at(proxy.port)),
        supervisor_id=1,
        queues=["default"],
        poll_seconds=60.0,
        on_ready=lambda ready, wakes: None,
        on_requests=lambda found: None,
    )
    made.run_once()
    yield made
    made.close()


def test_a_look_that_is_not_answered_is_soon_given_up(
    proxy: Proxy, watch: Dispatcher, short_timeout: None
) -> None:
    _fall_silent(proxy)
    begun = time.monotonic()

    with pytest.raises(psycopg.OperationalError):
        watch.run_once()

    assert time.monotonic() - begun < 10.0


def test_a_look_that_takes_long_is_given_up_once_and_then_waited_for(
    watch: Dispatcher, short_timeout: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = SimpleQueue[str]()

    def slowly(link: Link, statement: Statement[Any]) -> Any:
        if statement.file != "find_ready":
            return run(link, statement)
        try:
            link.fetch("select pg_catalog.pg_sleep(0.5)", {})
        except psycopg.OperationalError:
            looks.put("given up")
            raise
        looks.put("answered")
        return replace(run(link, statement), seconds=0.5)

    monkeypatch.setattr(watch_module, "run", slowly)
    watch.start()

    assert ["given up", *3 * ["answered"]] == [looks.get(timeout=20) for _ in range(4)]
    watch.stop()
