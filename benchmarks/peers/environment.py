"""A peer's own environment, built at its first use: a venv, or a folder of node modules."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree, which

from benchmarks.peers.peer import Peer

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "build" / "peers"
INSTALL_SECONDS_MAX = 600
# Node itself comes from npm too: peers ask for a newer one than many machines have.
NODE_MAJOR = "24"

_VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"


class NotInstalled(Exception):
    """A peer cannot be installed on this machine."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of a peer.

    Args:
        program: The interpreter.
        version: The version of the peer that is installed.
    """

    peer: Peer
    program: Path
    version: str

    @property
    def folder(self) -> Path:
        """The folder for the files of its runs."""
        return BUILT / self.peer.name

    def command(self, verb: str, *words: str) -> list[str]:
        """The command of one verb of its adapter."""
        if self.peer.npm:
            # Node searches modules beside the importing file, so the adapter is copied there.
            return [str(self.program), str(self.folder / "adapter.mjs"), verb, *words]
        return [str(self.program), "-m", "benchmarks.peers.verbs", verb, *words]


def build(peer: Peer) -> Environment:
    """Install a peer, unless these packages are installed already.

    Raises:
        NotInstalled: A tool is missing, or the installation fails.
    """
    folder = BUILT / peer.name
    folder.mkdir(parents=True, exist_ok=True)
    if peer.npm:
        return _node(peer, folder)
    if peer.pip:
        return _venv(peer, folder)
    return Environment(peer, Path(sys.executable), _version(Path(sys.executable), peer.version))


def _venv(peer: Peer, folder: Path) -> Environment:
    python = folder / "venv" / "bin" / "python"
    if not _is_ready(folder, peer.pip):
        rmtree(folder / "venv", ignore_errors=True)
        _install(sys.executable, "-m", "venv", str(folder / "venv"))
        _install(str(python), "-m", "pip", "install", "--quiet", *peer.pip)
        _mark_ready(folder, peer.pip)
    return Environment(peer, python, _version(python, peer.version))


def _node(peer: Peer, folder: Path) -> Environment:
    npm = which("npm")
    if npm is None:
        raise NotInstalled("there is no npm on this machine")
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    node = f"node-{sys.platform}-{machine}"
    wanted = [*peer.npm, f"{node}@{NODE_MAJOR}"]
    if not _is_ready(folder, wanted):
        rmtree(folder / "node_modules", ignore_errors=True)
        (folder / "package.json").write_text('{"private": true}')
        # npm checks the engines against its own node, not against the node that it installs.
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock")
        _install(npm, "install", "--prefix", str(folder), *quiet, *wanted)
        _mark_ready(folder, wanted)
    for name in ("adapter.mjs", "peer.mjs"):
        home = peer.folder if name == "adapter.mjs" else Path(__file__).parent
        (folder / name).write_bytes((home / name).read_bytes())
    installed = json.loads((folder / "node_modules" / peer.version / "package.json").read_text())
    return Environment(peer, folder / "node_modules" / node / "bin" / "node", installed["version"])


def _is_ready(folder: Path, wanted: Sequence[str]) -> bool:
    file = folder / ".ready"
    return file.exists() and file.read_text() == "\n".join(wanted)


def _mark_ready(folder: Path, wanted: Sequence[str]) -> None:
    (folder / ".ready").write_text("\n".join(wanted))


def _install(*words: str) -> None:
    try:
        result = subprocess.run(
            words,
            cwd=BUILT,
            env={**os.environ, "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS_MAX,
        )
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"installing took longer than {INSTALL_SECONDS_MAX} seconds") from None
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        raise NotInstalled(lines[-1] if lines else f"exit code {result.returncode}")


def _version(python: Path, package: str) -> str:
    result = subprocess.run(
        [python, "-c", _VERSION, package], capture_output=True, text=True, check=True
    )
    return result.stdout.strip()
