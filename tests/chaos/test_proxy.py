"""The proxy, tested with a server that answers each piece in capitals."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from chaos import proxy as proxies
from chaos.proxy import Mode, Proxy

_READY = b"Z\x00\x00\x00\x05I"


class UppercaseServer(threading.Thread):
    """Ends each answer with ReadyForQuery, as PostgreSQL does."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.received: list[bytes] = []
        self.ended = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def close(self) -> None:
        if self._listener.fileno() >= 0:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65536):
                    self.received.append(data)
                    connection.sendall(data.upper() + _READY)
            except OSError:
                pass
        self.ended.release()


class Caller:
    """A client of the proxy, with an open session."""

    def __init__(self, port: int, name: str = "") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        try:
            self.send(b"application_name\0%b\0" % name.encode() if name else b"hello")
        except OSError:
            self.close()
            raise

    def send(self, message: bytes) -> bytes:
        self.socket.sendall(message)
        answer = b""
        while len(answer.replace(_READY, b"")) < len(message):
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            answer += more
        return answer.replace(_READY, b"")

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def server() -> Iterator[UppercaseServer]:
    server = UppercaseServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def proxy(server: UppercaseServer) -> Iterator[Proxy]:
    client = Proxy(server.port)
    yield client
    client.close()


@pytest.fixture
def caller(proxy: Proxy, request: pytest.FixtureRequest) -> Caller:
    client = Caller(proxy.port)
    request.addfinalizer(client.close)
    return client


def behave(proxy: Proxy, mode: Mode) -> None:
    proxy.set(mode)
    deadline = time.monotonic() + 5
    while proxy.mode is not mode and time.monotonic() < deadline:
        time.sleep(0.001)  # the proxy's thread applies the mode


def test_bytes_pass_both_ways(caller: Caller) -> None:
    assert b"X" * 300_000 == caller.send(b"x" * 300_000)


def test_a_black_hole_drops_all_bytes_also_after_its_end(
    proxy: Proxy, server: UppercaseServer, caller: Caller
) -> None:
    behave(proxy, Mode.BLACK_HOLE)
    caller.socket.sendall(b"anybody?")
    behave(proxy, Mode.PASS)
    caller.socket.sendall(b"still?")
    caller.socket.settimeout(0.2)

    with pytest.raises(TimeoutError):
        caller.socket.recv(1)

    assert [b"hello"] == server.received
    with closing(Caller(proxy.port)) as another:
        assert b"NEW" == another.send(b"new")


def test_a_connection_made_in_a_black_hole_receives_nothing(
    proxy: Proxy, server: UppercaseServer
) -> None:
    behave(proxy, Mode.BLACK_HOLE)

    with socket.create_connection(("127.0.0.1", proxy.port), timeout=0.2) as client:
        client.sendall(b"hello")
        with pytest.raises(TimeoutError):
            client.recv(1)

    assert [] == server.received


def test_a_mode_may_be_for_connections_of_one_name(proxy: Proxy) -> None:
    with closing(Caller(proxy.port)) as named, closing(Caller(proxy.port, "dispatcher")) as other:
        proxy.set(Mode.RESET, named="dispatcher")
        with pytest.raises(ConnectionResetError):
            other.socket.recv(1)

        assert b"STILL" == named.send(b"still")
        with pytest.raises(ConnectionResetError):
            Caller(proxy.port, "pgqueue dispatcher")


def test_a_reset_breaks_both_sides(proxy: Proxy, server: UppercaseServer, caller: Caller) -> None:
    proxy.set(Mode.RESET)

    with pytest.raises(ConnectionResetError):
        caller.socket.recv(1)

    assert server.ended.acquire(timeout=5)


def test_a_half_close_ends_the_clients_side_alone(
    proxy: Proxy, server: UppercaseServer, caller: Caller
) -> None:
    proxy.set(Mode.HALF_CLOSE)

    assert b"" == caller.socket.recv(1)
    assert not server.ended.acquire(timeout=0.2)

    caller.close()
    assert server.ended.acquire(timeout=5)


def test_a_dropped_reply_belongs_to_an_executed_statement(
    proxy: Proxy, server: UppercaseServer, caller: Caller
) -> None:
    proxy.dropped_share = 1.0
    proxy.stall_share = 0.0
    behave(proxy, Mode.DROP_REPLY)

    with pytest.raises(ConnectionResetError):
        caller.send(b"update")

    assert [b"hello", b"update"] == server.received
    assert 1 == proxy.dropped


def test_a_dropped_reply_may_be_followed_by_a_stall(proxy: Proxy, caller: Caller) -> None:
    proxy.dropped_share = 1.0
    proxy.stall_share = 1.0
    behave(proxy, Mode.DROP_REPLY)
    caller.socket.settimeout(0.3)

    with pytest.raises(TimeoutError):
        caller.send(b"update")

    assert 1 == proxy.dropped


def test_only_the_reply_to_commit_is_dropped(
    proxy: Proxy, server: UppercaseServer, caller: Caller
) -> None:
    proxy.dropped_share = 1.0
    proxy.stall_share = 0.0
    behave(proxy, Mode.DROP_COMMIT)

    assert b"INSERT" == caller.send(b"insert")
    with pytest.raises(ConnectionResetError):
        caller.send(b"COMMIT")

    assert b"COMMIT" == server.received[-1]


def test_a_delay_applies_in_both_directions(
    proxy: Proxy, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxies, "_DELAY_SECONDS", 0.1)
    behave(proxy, Mode.DELAY)
    started_at = time.monotonic()

    assert b"SLOW" == caller.send(b"slow")
    assert time.monotonic() - started_at >= 0.2


def test_a_drip_carries_every_byte(
    proxy: Proxy, server: UppercaseServer, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxies, "_DRIP_SECONDS", 0.001)
    behave(proxy, Mode.DRIP)

    caller.socket.sendall(b"x" * 100)
    deadline = time.monotonic() + 5
    while sum(map(len, server.received)) < 105 and time.monotonic() < deadline:
        time.sleep(0.005)  # the pieces arrive one by one

    assert b"hello" + b"x" * 100 == b"".join(server.received)
    assert len(server.received) > 2


def test_a_server_that_is_away_ends_the_connection(proxy: Proxy, server: UppercaseServer) -> None:
    server.close()

    # On a busy machine the reset comes while the connection is being made.
    with (
        pytest.raises(ConnectionResetError),
        socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client,
    ):
        client.sendall(b"hello")
        client.recv(1)
