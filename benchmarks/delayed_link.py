"""A link to a server on which all data arrives late, as from another continent."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_CHUNK_BYTES = 65_536


@contextmanager
def delayed(url: str, seconds: float) -> Iterator[str]:
    """The URL of a proxy to a server on this machine's socket.

    Args:
        seconds: The delay of one way; a round trip takes twice as long.
    """
    fields = conninfo_to_dict(url)
    socket = Path(str(fields["host"])) / f".s.PGSQL.{fields.get('port') or 5432}"
    loop = asyncio.new_event_loop()
    relay = _Relay(socket, seconds)
    server = loop.run_until_complete(asyncio.start_server(relay.serve, "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True, name="delayed link")
    thread.start()
    try:
        yield make_conninfo(url, host="127.0.0.1", port=port)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(_cancel_all())
        loop.close()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class _Relay:
    def __init__(self, socket: Path, seconds: float) -> None:
        self._socket = socket
        self._seconds = seconds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry the data of one connection both ways until one side ends."""
        their_reader, their_writer = await asyncio.open_unix_connection(str(self._socket))
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._carry(reader, their_writer))
                ways.create_task(self._carry(their_reader, writer))
        except* OSError:
            pass  # one side broke, as a worker does that is killed
        finally:
            writer.close()
            their_writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        # Each piece is written by a timer, so that the next one need not wait for it.
        while data := await reader.read(_CHUNK_BYTES):
            loop.call_later(self._seconds, writer.write, data)
        loop.call_later(self._seconds, writer.close)
