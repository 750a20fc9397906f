"""A PostgreSQL server for development, demos and tests, shared by all users of its folder.

`runtime` and the tests call `start`. Each user of the server has a shared lock on `users.lock`,
which the kernel releases however a process ends. The keeper waits for an exclusive lock on that
file, and then stops the server. Each process that works in the data inherits a lock on
`server.lock` from its starter. So a process number that a crash left behind misleads nobody.
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

from pgqueue.core.clock import Timer
from pgqueue.core.errors import EmbeddedUnavailable
from pgqueue.embedded import keeper as keeper_program
from pgqueue.embedded.cluster import Cluster, locate
from pgqueue.embedded.programs import WHEEL

DEFAULT_FOLDER = Path(".pgqueue") / "pg18"

_START_SECONDS_MAX = 60.0
_POLL_SECONDS = 0.02


def is_embedded(url: str) -> bool:
    """Whether *url* names the embedded server: `embedded:` or `embedded:/path`."""
    return url.startswith("embedded:")


def path_of(url: str) -> Path | None:
    """The folder in an `embedded:/path` URL; None for the default folder."""
    path = url.removeprefix("embedded:")
    return Path(path).expanduser() if path else None


def is_installed() -> bool:
    """Whether the wheel with PostgreSQL's programs is installed."""
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
    """Use the server in a folder, and start it if it does not run; close it when you are done.

    Any number of processes and threads may do so at once. A use ends at the latest with its
    process; a child that was forked meanwhile continues it. The end of the last use stops the
    server.

    Args:
        path: The server's folder, made when missing; None for `.pgqueue/pg18` in the current
            folder. Its mode and owner never change. If PostgreSQL's user cannot enter it, the data
            lies in another folder, which the file `elsewhere` names; this happens to root only.
        settings: PostgreSQL settings of a server that starts now; a running server keeps its own.
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
            with _locked(folder / "start.lock"):
                cluster = locate(folder, bin_folder)
                # Before the server, so that no server is ever without a keeper.
                _start_keeper(folder, cluster)
                url = _start_server(folder, cluster, settings or {})
        except BaseException:
            os.close(users)
            raise
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedUnavailable(reason=str(error)) from error
    return EmbeddedServer(url, users)


class EmbeddedServer:
    """A use of a running server; close it, or leave its `with` block, when you are done.

    A use that is never closed lasts as long as its process, also after garbage collection.

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


def _start_server(folder: Path, cluster: Cluster, settings: Mapping[str, str]) -> str:
    """The URL of the server, once it is ready. The caller has locked `start.lock`."""
    timer = Timer(seconds=_START_SECONDS_MAX)
    while not timer.is_due:
        server = _try_lock(folder / "server.lock")
        if server is not None:
            try:
                cluster.start(settings, server)
            finally:
                os.close(server)
        # Another process has the lock: the server, or a child of a starter that was killed. Such
        # a child ends by itself or becomes ready.
        if url := cluster.url():
            return url
        time.sleep(_POLL_SECONDS)
    raise EmbeddedUnavailable(
        reason=f"it is not ready after {_START_SECONDS_MAX:g} s; see {cluster.log}"
    )


def _start_keeper(folder: Path, cluster: Cluster) -> None:
    keeper = _try_lock(folder / "keeper.lock")
    if keeper is None:
        return
    # The keeper inherits its lock files open: it gives up root's rights before it uses them.
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
        os.close(file)  # the file was removed meanwhile, and others lock a new one


def _try_lock(path: Path) -> int | None:
    """The open file, locked exclusively; None when another process has the lock."""
    try:
        return _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    file = _lock(path, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(file)
