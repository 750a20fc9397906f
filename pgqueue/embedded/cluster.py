"""One data folder of the embedded PostgreSQL: its location, its creation, its start.

`embedded.server` calls it, and owns the locks that make each step safe. PostgreSQL refuses to run
as root. There it runs as an unprivileged user, in a folder made for that user. Folders of other
people keep their mode and their owner.
"""

import hashlib
import os
import re
import shlex
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pgqueue.core.errors import EmbeddedUnavailable
from pgqueue.embedded.programs import OWN_FOLDER, User, programs_for, run, server_user, version

# A person may change these in postgresql.conf; settings that a start needs override the file.
_DEFAULTS = {"max_connections": "200", "shared_buffers": "128MB"}

_PORT = "5432"
_SOCKET = f".s.PGSQL.{_PORT}"
_SOCKET_PATH_BYTES_MAX = 107
_START_SECONDS_MAX = 60
_LOG_CHARACTERS_MAX = 500

# The setting with the socket's folder is a list with commas: an unusual path would break it.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data folder with its log and, usually, its socket beside it.

    Attributes:
        folder: A folder that pgqueue made for the server's user.
        programs: PostgreSQL's programs, reachable for that user.
        user: The server's user; None for the user of this process.
    """

    folder: Path
    programs: Path
    user: User | None

    @property
    def data(self) -> Path:
        """The data folder; it exists only once it is complete."""
        return self.folder / "data"

    @property
    def pid_file(self) -> Path:
        """The file in which PostgreSQL writes its process id and its address."""
        return self.data / "postmaster.pid"

    @property
    def log(self) -> Path:
        """The server's log; the log of the run before is `log.previous`."""
        return self.folder / "log"

    def url(self) -> str | None:
        """libpq's URL of a server that is ready, else None.

        Right only while another process has locked `server.lock`.
        """
        try:
            lines = self.pid_file.read_text().splitlines()
        except FileNotFoundError:
            return None
        if len(lines) < 8 or lines[7].strip() != "ready":
            return None
        return f"postgresql://postgres@/postgres?host={quote(lines[4], safe='')}&port={lines[3]}"

    def start(self, settings: Mapping[str, str], lock: int) -> None:
        """Start the server and wait until it is ready; create its data first if needed.

        Args:
            settings: PostgreSQL settings, which override all others.
            lock: The open and locked file `server.lock`; every process that starts here
                inherits the file, and the lock with it.
        """
        if self.data.exists():
            self._check_version()
        else:
            self._create(lock, is_durable=settings.get("fsync") != "off")
        sockets = self._socket_folder()
        # The lock was free, so these files belong to a server that has ended. Another process may
        # have its number by now. See test_a_reused_process_number_does_not_prevent_a_start.
        for stale in (self.pid_file, sockets / _SOCKET, sockets / f"{_SOCKET}.lock"):
            stale.unlink(missing_ok=True)
        if self.log.exists():
            self.log.replace(self.folder / "log.previous")
        required = {
            "listen_addresses": "",
            "port": _PORT,
            "unix_socket_directories": str(sockets),
            **settings,
        }
        options = [f"--{name}={value}" for name, value in required.items()]
        self._run(
            [
                "pg_ctl",
                "start",
                "--wait",
                f"--timeout={_START_SECONDS_MAX}",
                "--log=log",
                f"--options={shlex.join(options)}",
            ],
            lock,
        )

    def _create(self, lock: int, *, is_durable: bool) -> None:
        # Made under another name and renamed: a start that is cut off leaves no incomplete data.
        unfinished = self.folder / "making"
        shutil.rmtree(unfinished, ignore_errors=True)
        arguments = ["initdb", f"--pgdata={unfinished}", "--username=postgres", "--auth=trust"]
        arguments += ["--encoding=UTF8", "--locale=C", "--no-instructions"]
        self._run([*arguments, *([] if is_durable else ["--no-sync"])], lock)
        with unfinished.joinpath("postgresql.conf").open("a") as file:
            file.write("\n# pgqueue's defaults for an embedded server\n")
            file.writelines(f"{name} = '{value}'\n" for name, value in _DEFAULTS.items())
        unfinished.rename(self.data)

    def _check_version(self) -> None:
        data = self.data.joinpath("PG_VERSION").read_text().strip()
        programs = version(self.programs, self.user)
        if data != programs:
            raise EmbeddedUnavailable(
                reason=f"the data in {self.data} is PostgreSQL {data}'s and the programs in "
                f"{self.programs} are PostgreSQL {programs}'s"
            )

    def _socket_folder(self) -> Path:
        path = str(self.folder / _SOCKET)
        if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES_MAX and _PLAIN_PATH.fullmatch(path):
            return self.folder
        # The name depends on the inode as well: a server whose folder was removed may live for
        # another minute, and a new folder of that name must not meet its socket.
        digest = _digest(f"{self.folder}:{self.folder.stat().st_ino}")
        short = Path(tempfile.gettempdir()) / f"pgqueue-{digest}"
        make_own(short, self.user)
        return short

    def _run(self, arguments: Sequence[str], lock: int) -> None:
        try:
            # pg_ctl would write a path argument between double quotes in a shell command, which
            # breaks some paths. The environment passes any path.
            run(
                self.programs,
                arguments,
                self.user,
                cwd=self.folder,
                environment={"PGDATA": str(self.data)},
                pass_fds=[lock],
            )
        except subprocess.CalledProcessError as error:
            # The output of pg_ctl only refers to the log.
            output = self.log.read_text(errors="replace") if self.log.exists() else error.output
            reason = f"{arguments[0]} failed: {output.strip()[-_LOG_CHARACTERS_MAX:]}"
            raise EmbeddedUnavailable(reason=reason) from error


def locate(folder: Path, bin_folder: Path | None) -> Cluster:
    """The cluster of a server's folder. The caller has locked `start.lock`."""
    user = server_user()
    programs = programs_for(user, bin_folder)
    cluster_folder = folder / "cluster"
    pointer = folder / "elsewhere"
    if user is not None and not cluster_folder.exists():
        if pointer.exists():
            cluster_folder = _read_pointer(pointer)
        elif not user.can_enter(folder):
            cluster_folder = Path(tempfile.mkdtemp(prefix="cluster-", dir=OWN_FOLDER.make()))
            pointer.write_text(f"{cluster_folder}\n")
    make_own(cluster_folder, user)
    return Cluster(cluster_folder, programs, user)


def make_own(folder: Path, user: User | None) -> None:
    """Make a folder that only the server's user may enter, or use the one that exists.

    Raises:
        EmbeddedUnavailable: The path is no folder, or the folder belongs to another user.
    """
    uid = os.geteuid() if user is None else user.uid
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        status = folder.lstat()
        # A start that was cut off before it changed the owner leaves an empty folder of root's.
        is_cut_off = status.st_uid == os.geteuid() and stat.S_ISDIR(status.st_mode)
        is_cut_off = is_cut_off and not any(folder.iterdir())
        if not stat.S_ISDIR(status.st_mode) or not (status.st_uid == uid or is_cut_off):
            raise EmbeddedUnavailable(
                reason=f"{folder} belongs to user {status.st_uid}, and the server would run as "
                f"user {uid}; name another folder by embedded:/path"
            ) from None
    if user is not None:
        os.chown(folder, user.uid, user.gid, follow_symlinks=False)


def _read_pointer(pointer: Path) -> Path:
    folder = Path(pointer.read_text().strip())
    # The pointer may belong to another user, who must not make root change any folder.
    if folder.parent != OWN_FOLDER.path or not folder.name.startswith("cluster-"):
        raise EmbeddedUnavailable(reason=f"{pointer} names {folder}, which is not ours; remove it")
    return folder


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
