"""A PostgreSQL server for development, demos and tests, shared by those who use its folder.

The command line and the tests call `start`. Whoever uses the server holds `users.lock` shared,
which the kernel drops however a process ends; the keeper gets it exclusively when nobody is left,
and stops the server. Whatever works in the data holds `server.lock`, inherited from its starter,
so that a process number left behind by a crash is never believed.
"""

import fcntl
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pgqueue.core.errors import EmbeddedUnavailable
from pgqueue.embedded import keeper as keeper_program
from pgqueue.embedded.cluster import Cluster, locate
from pgqueue.embedded.programs import WHEEL

DEFAULT_FOLDER = Path(".pgqueue") / "pg18"

_START_SECONDS_MAX = 60.0
_LOOK_SECONDS = 0.02


def is_embedded(url: str) -> bool:
    """Whether *url* asks for the embedded server: `embedded:` or `embedded:/path`."""
    return url.startswith("embedded:")


def path_of(url: str) -> Path | None:
    """The folder in an `embedded:/path` URL; None for the default folder."""
    path = url.removeprefix("embedded:")
    return Path(path).expanduser() if path else None


def is_installed() -> bool:
    """Whether the wheel with PostgreSQL's programs is there."""
    return importlib.util.find_spec(WHEEL) is not None


def resolve(url: str) -> "EmbeddedServer":
    """Use the server that an `embedded:` URL names; see `start`."""
    return start(path_of(url))


def start(
    path: Path | None = None,
    *,
    settings: Mapping[str, str] | None = None,
    bin_folder: Path | None = None,
) -> "EmbeddedServer":
    """Use the server in a folder, starting it if nobody does; it is yours until you close it.

    Any number of processes and threads may do so at once. A use ends at the latest with its
    process; a child that was forked meanwhile continues it. The last use's end stops the server.

    Args:
        path: The server's folder, made when missing; `.pgqueue/pg18` in the current one when
            None. Its mode and owner stay as they are, as root too: there the data lies elsewhere
            when PostgreSQL's user cannot enter, and the file `elsewhere` in it says where.
        settings: PostgreSQL settings, for a server that is started here; one that runs already
            keeps its own.
        bin_folder: PostgreSQL's programs; the wheel's when None.

    Raises:
        EmbeddedUnavailable: The wheel is missing, or the server does not start.
    """
    folder = (path or DEFAULT_FOLDER).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Waits while the keeper stops the server.
        users = _lock(folder / "users.lock", fcntl.LOCK_SH)
        try:
            with _held(folder / "start.lock"):
                cluster = locate(folder, bin_folder)
                # Before the server, so that none is ever without a keeper, whoever is killed.
                _start_keeper(folder, cluster)
                url = _running(folder, cluster, settings or {})
        except BaseException:
            os.close(users)
            raise
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedUnavailable(reason=str(error)) from error
    return EmbeddedServer(url, users)


class EmbeddedServer:
    """A use of a running server; close it, or leave its `with` block, when done.

    Left alone it lasts as long as its process, even when nobody refers to it any more.

    Attributes:
        url: libpq's URL of the database `postgres`, over a Unix socket.
    """

    def __init__(self, url: str, users: int) -> None:
        self.url = url
        self._users: int | None = users

    def close(self) -> None:
        """End this use, without waiting for the server's stop. Closing twice is no error."""
        users, self._users = self._users, None
        if users is not None:
            os.close(users)

    def __enter__(self) -> "EmbeddedServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _running(folder: Path, cluster: Cluster, settings: Mapping[str, str]) -> str:
    """The URL of the server, once it answers; to be called with `start.lock` held."""
    end = time.monotonic() + _START_SECONDS_MAX
    while time.monotonic() < end:
        server = _try_lock(folder / "server.lock")
        if server is not None:
            try:
                cluster.start(settings, server)
            finally:
                os.close(server)
        # Without the lock somebody works there: the server, or what a killed starter left
        # behind, which ends by itself or becomes ready.
        if url := cluster.url():
            return url
        time.sleep(_LOOK_SECONDS)
    raise EmbeddedUnavailable(
        reason=f"it is not ready after {_START_SECONDS_MAX:g} s; see {cluster.log}"
    )


def _start_keeper(folder: Path, cluster: Cluster) -> None:
    keeper = _try_lock(folder / "keeper.lock")
    if keeper is None:
        return
    # The keeper gets its locks open, for it gives up root's rights before it does anything.
    files = [keeper, _open(folder / "users.lock"), _open(folder / "server.lock")]
    user = cluster.user
    numbers = [*files, user.uid, user.gid] if user else [*files, os.geteuid(), os.getegid()]
    try:
        subprocess.run(
            [
                sys.executable,
                "-I",
                "-S",
                keeper_program.__file__,
                str(cluster.pid_file),
                *map(str, numbers),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            pass_fds=files,
            start_new_session=True,
            check=True,
        )
    finally:
        for file in files:
            os.close(file)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _lock(path: Path, kind: int) -> int:
    """The open file, locked; waits for the lock."""
    while True:
        file = _open(path)
        try:
            fcntl.flock(file, kind)
            if os.fstat(file).st_nlink:
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # removed while we waited, and others lock its successor


def _try_lock(path: Path) -> int | None:
    """The open file, locked exclusively; None when somebody has the lock."""
    try:
        return _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


@contextmanager
def _held(path: Path) -> Iterator[None]:
    file = _lock(path, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(file)
