"""A TCP proxy between clients and PostgreSQL that injects faults of the network.

It has one thread with an event loop. A tunnel may keep a fault after its mode: a stalled tunnel
never carries a byte again, as behind a firewall that dropped its state. The kernel still
acknowledges the bytes of both ends.
"""

import asyncio
import random
import re
import socket
import struct
import threading
from collections.abc import Callable
from enum import StrEnum

_CHUNK_BYTES = 65536
_READY_BYTES = b"Z\x00\x00\x00\x05"
_RESET = struct.pack("ii", 1, 0)

_DELAY_SECONDS = 0.3
_DRIP_BYTES = 16
_DRIP_SECONDS = 0.02

_NAME = re.compile(rb"application_name\0([^\0]*)\0")


class Mode(StrEnum):
    """The behavior of the proxy."""

    PASS = "pass"
    BLACK_HOLE = "black_hole"
    DELAY = "delay"
    DRIP = "drip"
    NARROW = "narrow"
    RESET = "reset"
    HALF_CLOSE = "half_close"
    DROP_COMMIT = "drop_commit"
    DROP_REPLY = "drop_reply"


class Proxy:
    """Listens on a port of its own from its construction.

    Args:
        target: The port of the server on this machine.

    Attributes:
        named: The text in the application_name of the connections that the mode is for.
        dropped_share: The share of replies that a dropping mode drops.
        stall_share: The share of dropped replies that are followed by a stall, not by a reset.
        dropped: The number of dropped replies.
        bytes_per_second: What all connections together carry in each direction, when narrow.
    """

    bytes_per_second = 1_250_000  # 10 Mbit/s

    def __init__(
        self, target: int, seed: int = 0, *, dropped_share: float = 0.4, stall_share: float = 0.2
    ) -> None:
        self.target = target
        self.mode = Mode.PASS
        self.named = b""
        self.dropped_share = dropped_share
        self.stall_share = stall_share
        self.dropped = 0
        self.random = random.Random(seed)
        self._free_at: dict[bool, float] = {}
        self._tunnels: set[_Tunnel] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def set(self, mode: Mode, *, named: str = "") -> None:
        """Change the mode, from any thread.

        Args:
            named: The text in the application_name of the connections that the mode is for.
        """
        self._call(lambda: self._set(mode, named.encode()))

    def close(self) -> None:
        """Reset every connection, and stop listening."""
        self._call(self._loop.stop)
        self._thread.join(5.0)

    def seconds_to_carry(self, byte_count: int, *, is_upwards: bool) -> float:
        """The wait until the narrow line has carried these bytes, behind all that came before."""
        now = self._loop.time()
        free_at = max(now, self._free_at.get(is_upwards, now))
        free_at += byte_count / self.bytes_per_second
        self._free_at[is_upwards] = free_at
        return free_at - now

    def _call(self, action: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(action)

    def _set(self, mode: Mode, named: bytes = b"") -> None:
        self.mode = mode
        self.named = named
        for tunnel in list(self._tunnels):
            tunnel.apply_mode()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._listener))
        self._loop.run_forever()
        self._listener.close()
        self._set(Mode.RESET)
        # Each tunnel ends by itself after the reset of its connections.
        while pending := asyncio.all_tasks(self._loop):
            self._loop.run_until_complete(asyncio.wait(pending, timeout=1.0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnel = _Tunnel(self, reader, writer)
        self._tunnels.add(tunnel)
        try:
            await tunnel.serve()
        finally:
            self._tunnels.discard(tunnel)


class _Tunnel:
    """One client's connection, and its connection to the server."""

    def __init__(
        self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._client = reader, writer
        self._name: bytes | None = None
        self._is_stalled = False
        self._is_half_closed = False
        self._is_in_session = False
        self._is_dropping = False
        self._server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def serve(self) -> None:
        """Carry bytes until one side ends."""
        self.apply_mode()
        try:
            self._server = await asyncio.open_connection("127.0.0.1", self._proxy.target)
            upwards = asyncio.ensure_future(self._carry_upwards())
            downwards = asyncio.ensure_future(self._carry_downwards())
            # A stalled or half-closed client must detect it by itself.
            await upwards
            downwards.cancel()
        except OSError:
            pass  # the server is away, or one side broke
        finally:
            self.reset()

    @property
    def _mode(self) -> Mode:
        if not self._proxy.named or self._proxy.named in (self._name or b""):
            return self._proxy.mode
        return Mode.PASS

    def apply_mode(self) -> None:
        """Apply the immediate effect of the mode."""
        mode = self._mode
        if mode is Mode.BLACK_HOLE:
            self._is_stalled = True
        elif mode is Mode.RESET:
            self.reset()
        elif mode is Mode.HALF_CLOSE and self._is_in_session:
            self._is_half_closed = True
            _, writer = self._client
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()

    def reset(self) -> None:
        """Reset both connections."""
        for side in (self._client, self._server):
            if side is not None:
                _, writer = side
                sock = writer.get_extra_info("socket")
                if sock is not None and sock.fileno() >= 0:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()

    async def _carry_upwards(self) -> None:
        reader, _ = self._client
        assert self._server is not None
        while data := await reader.read(_CHUNK_BYTES):
            if self._name is None:
                # The first message has the name; without encryption a proxy can read it.
                match = _NAME.search(data)
                self._name = match[1] if match else b""
                self.apply_mode()
            if not self._is_stalled:
                self._is_dropping = self._is_dropping or self._is_to_drop(data)
                await self._write(self._server[1], data)

    async def _carry_downwards(self) -> None:
        assert self._server is not None
        _, writer = self._client
        try:
            while data := await self._server[0].read(_CHUNK_BYTES):
                if self._is_stalled or self._is_half_closed:
                    continue
                # A notification may follow ReadyForQuery in one piece.
                is_ready = _READY_BYTES in data
                if self._is_dropping:
                    if is_ready:
                        self._drop()
                    continue
                self._is_in_session = self._is_in_session or is_ready
                await self._write(writer, data)
        except OSError:
            pass
        if not (self._is_stalled or self._is_half_closed):
            self.reset()

    def _is_to_drop(self, data: bytes) -> bool:
        mode, chance = self._mode, self._proxy.random.random()
        if not self._is_in_session or chance > self._proxy.dropped_share:
            return False
        return mode is Mode.DROP_REPLY or (mode is Mode.DROP_COMMIT and b"COMMIT" in data)

    def _drop(self) -> None:
        # The server has executed the statement, and its client never receives the reply.
        self._proxy.dropped += 1
        self._is_dropping = False
        if self._proxy.random.random() < self._proxy.stall_share:
            self._is_stalled = True
        else:
            self.reset()

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        match self._mode:
            case Mode.DELAY:
                await asyncio.sleep(_DELAY_SECONDS)
            case Mode.NARROW:
                is_upwards = writer is not self._client[1]
                await asyncio.sleep(self._proxy.seconds_to_carry(len(data), is_upwards=is_upwards))
            case Mode.DRIP:
                for start in range(0, len(data), _DRIP_BYTES):
                    writer.write(data[start : start + _DRIP_BYTES])
                    await writer.drain()
                    await asyncio.sleep(_DRIP_SECONDS)
                return
        writer.write(data)
        await writer.drain()
