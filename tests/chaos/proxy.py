"""A TCP proxy between clients and PostgreSQL that behaves as badly as it is told.

One thread with an event loop of its own. What was begun under a bad mode may stay bad after it:
a tunnel that fell silent never speaks again, as through a firewall that forgot it, while both its
ends still have their bytes acknowledged.
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
    """What the proxy does to what passes."""

    PASS = "pass"
    BLACK_HOLE = "black_hole"
    DELAY = "delay"
    DRIP = "drip"
    RESET = "reset"
    HALF_CLOSE = "half_close"
    DROP_COMMIT = "drop_commit"
    DROP_REPLY = "drop_reply"


class Proxy:
    """Listens on a port of its own as soon as it is made.

    Args:
        target: The port of this machine to lead to.

    Attributes:
        named: What a connection's application_name holds, for a mode to be for it.
        dropped_share: Of the replies that might be dropped, how many are.
        silent_share: Of the dropped replies, how many are followed by silence, not by a reset.
        dropped: Replies that were dropped, in all.
    """

    def __init__(
        self, target: int, seed: int = 0, *, dropped_share: float = 0.4, silent_share: float = 0.2
    ) -> None:
        self.target = target
        self.mode = Mode.PASS
        self.named = b""
        self.dropped_share = dropped_share
        self.silent_share = silent_share
        self.dropped = 0
        self.random = random.Random(seed)
        self._tunnels: set[_Tunnel] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def set(self, mode: Mode, *, named: str = "") -> None:
        """Behave so from now on; on any thread.

        Args:
            named: Only to connections with this in their application_name; the others pass.
        """
        self._call(lambda: self._set(mode, named.encode()))

    def close(self) -> None:
        """Break every connection and listen no more."""
        self._call(self._loop.stop)
        self._thread.join(5.0)

    def _call(self, action: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(action)

    def _set(self, mode: Mode, named: bytes = b"") -> None:
        self.mode = mode
        self.named = named
        for tunnel in list(self._tunnels):
            tunnel.suffer()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._listener))
        self._loop.run_forever()
        self._listener.close()
        self._set(Mode.RESET)
        # Each tunnel ends by itself once its connections are broken.
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
    """One client's connection, and the one that it leads to."""

    def __init__(
        self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._client = reader, writer
        self._name: bytes | None = None
        self._is_silent = False
        self._is_half_closed = False
        self._is_in_session = False
        self._is_dropping = False
        self._server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def serve(self) -> None:
        """Carry bytes until one side ends."""
        self.suffer()
        try:
            self._server = await asyncio.open_connection("127.0.0.1", self._proxy.target)
            upwards = asyncio.ensure_future(self._carry_upwards())
            downwards = asyncio.ensure_future(self._carry_downwards())
            # A silent or half-closed client is left to find out by itself.
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

    def suffer(self) -> None:
        """What the mode does to a connection at once."""
        mode = self._mode
        if mode is Mode.BLACK_HOLE:
            self._is_silent = True
        elif mode is Mode.RESET:
            self.reset()
        elif mode is Mode.HALF_CLOSE and self._is_in_session:
            self._is_half_closed = True
            _, writer = self._client
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()

    def reset(self) -> None:
        """Break both connections without a goodbye."""
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
                # The first that a client says; without encryption a proxy can read it.
                found = _NAME.search(data)
                self._name = found[1] if found else b""
                self.suffer()
            if not self._is_silent:
                self._is_dropping = self._is_dropping or self._is_to_drop(data)
                await self._write(self._server[1], data)

    async def _carry_downwards(self) -> None:
        assert self._server is not None
        _, writer = self._client
        try:
            while data := await self._server[0].read(_CHUNK_BYTES):
                if self._is_silent or self._is_half_closed:
                    continue
                # Not only at the end: a notification may follow.
                is_ready = _READY_BYTES in data
                if self._is_dropping:
                    if is_ready:
                        self._drop()
                    continue
                self._is_in_session = self._is_in_session or is_ready
                await self._write(writer, data)
        except OSError:
            pass
        if not (self._is_silent or self._is_half_closed):
            self.reset()

    def _is_to_drop(self, data: bytes) -> bool:
        mode, chance = self._mode, self._proxy.random.random()
        if not self._is_in_session or chance > self._proxy.dropped_share:
            return False
        return mode is Mode.DROP_REPLY or (mode is Mode.DROP_COMMIT and b"COMMIT" in data)

    def _drop(self) -> None:
        # The server has answered, so what was asked is done; nobody will hear of it.
        self._proxy.dropped += 1
        self._is_dropping = False
        if self._proxy.random.random() < self._proxy.silent_share:
            self._is_silent = True
        else:
            self.reset()

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        match self._mode:
            case Mode.DELAY:
                await asyncio.sleep(_DELAY_SECONDS)
            case Mode.DRIP:
                for start in range(0, len(data), _DRIP_BYTES):
                    writer.write(data[start : start + _DRIP_BYTES])
                    await writer.drain()
                    await asyncio.sleep(_DRIP_SECONDS)
                return
        writer.write(data)
        await writer.drain()
