"""A connection that fell silent, whose bytes somebody still acknowledges, as a proxy may."""

import time
from collections.abc import Iterator

import psycopg
import pytest
from chaos.proxy import Mode, Proxy
from chaos.server import Server

from pgqueue.client import idle
from pgqueue.client.client import Client
from pgqueue.process.watch import Watch
from pgqueue.store import migrate, session
from pgqueue.store.connect import Database, Link


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
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign of life is asked for at once, and not waited for as long."""
    monkeypatch.setattr(session, "_SIGN_SECONDS_MAX", 0.2)
    monkeypatch.setattr(idle, "_TRUSTED_SECONDS", 0.0)


def _fall_silent(proxy: Proxy) -> None:
    proxy.set(Mode.BLACK_HOLE)
    until = time.monotonic() + 5
    while proxy.mode is not Mode.BLACK_HOLE and time.monotonic() < until:
        pass  # its own thread takes the mode on
    proxy.set(Mode.PASS)


def test_a_connection_without_a_sign_of_life_is_given_up(
    proxy: Proxy, link: Link, impatient: None
) -> None:
    assert link.is_alive(trusted_seconds=0.0)

    _fall_silent(proxy)

    assert link.is_alive(trusted_seconds=60.0)
    assert not link.is_alive(trusted_seconds=0.0)
    assert not link.is_usable


def test_an_answer_that_is_overdue_closes_the_connection(proxy: Proxy, link: Link) -> None:
    assert isinstance(link.raw, session.PatientConnection)
    link.raw.answer_seconds_max = 0.2
    _fall_silent(proxy)

    with pytest.raises(psycopg.OperationalError):
        link.fetch("select 1", {})

    assert not link.is_usable


def test_a_client_replaces_an_idle_connection_that_fell_silent(
    server: Server, url: str, proxy: Proxy, impatient: None
) -> None:
    with Client(server.url_at(proxy.port)) as client, Client(url) as other:
        client.tasks()
        _fall_silent(proxy)

        job = client.enqueue("t")

        assert "queued" == other.job(job.id).status


def test_a_look_that_is_not_answered_is_soon_given_up(
    server: Server, url: str, proxy: Proxy, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a rush a look follows the other, and the connection falls silent in the midst of one."""
    monkeypatch.setattr(Watch, "trusted_seconds", 60.0)
    watch = Watch(
        Database(server.url_at(proxy.port)),
        supervisor_id=1,
        queues=["default"],
        poll_seconds=60.0,
        on_ready=lambda ready, wakes: None,
        on_cancelling=lambda asked: None,
    )
    watch.whole_link()
    monkeypatch.setattr(watch, "_listens_to", lambda queue: True)
    watch.run_once()
    _fall_silent(proxy)
    begun = time.monotonic()

    with pytest.raises(psycopg.OperationalError):
        watch.run_once()

    assert time.monotonic() - begun < 10.0
    watch.close()
