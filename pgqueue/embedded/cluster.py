"""One data folder of the embedded PostgreSQL: where it lies, its creation, its start.

Called by `store.embedded`, with the locks held that make each step safe. As root everything runs
as an unprivileged user, as PostgreSQL demands, in a folder made for it; what is not ours keeps
its mode and its owner.
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

# For a person to change: they stand in postgresql.conf, and what a start needs goes before them.
_DEFAULTS = {"max_connections": "200", "shared_buffers": "128MB"}

_PORT = "5432"
_SOCKET = f".s.PGSQL.{_PORT}"
_SOCKET_PATH_BYTES_MAX = 107
_START_SECONDS_MAX = 60
_LOG_CHARACTERS_MAX = 500

# The setting with the socket's folder is a list with commas; anything odd goes a safe way round.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data folder with its log and, mostly, its socket beside it.

    Attributes:
        folder: A folder of ours that belongs to the server's user.
        programs: PostgreSQL's programs, reachable for that user.
        user: The server's user; None when it is ourselves.
    """

    folder: Path
    programs: Path
    user: User | None

    @property
    def data(self) -> Path:
        """The data folder; it is there only when it is whole."""
        return self.folder / "data"

    @property
    def pid_file(self) -> Path:
        """What PostgreSQL writes about itself."""
        return self.data / "postmaster.pid"

    @property
    def log(self) -> Path:
        """What the server says; that of the run before is in `log.previous`."""
        return self.folder / "log"

    def url(self) -> str | None:
        """libpq's URL of a server that is ready; believed only while `server.lock` is held."""
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
            settings: PostgreSQL settings, before all others.
            lock: The open file of `server.lock`, held; every process that is started here
                inherits it, and the lock with it.
        """
        if self.data.exists():
            self._check_version()
        else:
            self._create(lock, is_durable=settings.get("fsync") != "off")
        sockets = self._socket_folder()
        # Nobody had the lock, so these tell of a server that is gone, though another process
        # may have its number by now. See test_a_reused_process_number_does_not_prevent_a_start.
        for stale in (self.pid_file, sockets / _SOCKET, sockets / f"{_SOCKET}.lock"):
            stale.unlink(missing_ok=True)
        if self.log.exists():
            self.log.replace(self.folder / "log.previous")
        needed = {
            "listen_addresses": "",
            "port": _PORT,
            "unix_socket_directories": str(sockets),
            **settings,
        }
        options = [f"--{name}={value}" for name, value in needed.items()]
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
        # Made beside and renamed, so that a start that was cut off leaves no half of it.
        making = self.folder / "making"
        shutil.rmtree(making, ignore_errors=True)
        arguments = ["initdb", f"--pgdata={making}", "--username=postgres", "--auth=trust"]
        arguments += ["--encoding=UTF8", "--locale=C", "--no-instructions"]
        self._run([*arguments, *([] if is_durable else ["--no-sync"])], lock)
        with making.joinpath("postgresql.conf").open("a") as file:
            file.write("\n# pgqueue's defaults for an embedded server\n")
            file.writelines(f"{name} = '{value}'\n" for name, value in _DEFAULTS.items())
        making.rename(self.data)

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
        # By the inode too: a server whose folder was removed may live for another minute.
        digest = _digest(f"{self.folder}:{self.folder.stat().st_ino}")
        short = Path(tempfile.gettempdir()) / f"pgqueue-{digest}"
        make_own(short, self.user)
        return short

    def _run(self, arguments: Sequence[str], lock: int) -> None:
        try:
            # pg_ctl puts a path that it is told between double quotes in a shell command,
            # which not every path survives, so it is told by the environment.
            run(
                self.programs,
                arguments,
                self.user,
                cwd=self.folder,
                environment={"PGDATA": str(self.data)},
                pass_fds=[lock],
            )
        except subprocess.CalledProcessError as error:
            # What pg_ctl says is only that the log knows.
            said = self.log.read_text(errors="replace") if self.log.exists() else error.output
            reason = f"{arguments[0]} failed: {said.strip()[-_LOG_CHARACTERS_MAX:]}"
            raise EmbeddedUnavailable(reason=reason) from error


def locate(folder: Path, bin_folder: Path | None) -> Cluster:
    """The cluster of a folder that was asked for; to be called with `start.lock` held."""
    user = server_user()
    programs = programs_for(user, bin_folder)
    place = folder / "cluster"
    pointer = folder / "elsewhere"
    if user is not None and not place.exists():
        if pointer.exists():
            place = _pointed_at(pointer)
        elif not user.can_enter(folder):
            place = Path(tempfile.mkdtemp(prefix="cluster-", dir=OWN_FOLDER.make()))
            pointer.write_text(f"{place}\n")
    make_own(place, user)
    return Cluster(place, programs, user)


def make_own(folder: Path, user: User | None) -> None:
    """Make a folder that only the server's user may enter; take one that is exactly that.

    Raises:
        EmbeddedUnavailable: There is something else of that name, or it belongs to others.
    """
    uid = os.geteuid() if user is None else user.uid
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        # An empty one of root's is what a start left that was cut off before the owner's change.
        is_cut_off = found.st_uid == os.geteuid() and stat.S_ISDIR(found.st_mode)
        is_cut_off = is_cut_off and not any(folder.iterdir())
        if not stat.S_ISDIR(found.st_mode) or not (found.st_uid == uid or is_cut_off):
            raise EmbeddedUnavailable(
                reason=f"{folder} belongs to user {found.st_uid}, and the server would run as "
                f"user {uid}; name another folder by embedded:/path"
            ) from None
    if user is not None:
        os.chown(folder, user.uid, user.gid, follow_symlinks=False)


def _pointed_at(pointer: Path) -> Path:
    place = Path(pointer.read_text().strip())
    # The folder that was asked for may be another's, who must not lead root just anywhere.
    if place.parent != OWN_FOLDER.path or not place.name.startswith("cluster-"):
        raise EmbeddedUnavailable(reason=f"{pointer} names {place}, which is not ours; remove it")
    return place


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
