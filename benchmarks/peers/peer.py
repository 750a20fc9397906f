"""A peer, as its `peer.toml` describes it."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ADAPTERS = Path(__file__).parent / "adapters"


@dataclass(frozen=True, slots=True)
class Peer:
    """A queue to measure; pgqueue is one of them.

    Args:
        version: The package whose version is printed.
        settings: One line for the output: its settings and their reasons.
        unfinished: SQL for whether a job waits or runs, with `%(count)s`; it runs often.
        finished: SQL that counts the succeeded attempts.
        pip: The packages for pip; without these and `npm`, our own environment serves.
        npm: The packages for npm.
        worker: One command for all workers, with `{python}`, `{url}` and `{workers}`; without it
            each worker is a process of the adapter's verb `work`.
        jobs_share: The share of the jobs of a drain, less than 1 for slow peers.
    """

    name: str
    version: str
    settings: str
    unfinished: str
    finished: str
    pip: Sequence[str] = ()
    npm: Sequence[str] = ()
    worker: Sequence[str] = ()
    jobs_share: float = 1.0

    @property
    def folder(self) -> Path:
        """The folder of its adapter."""
        return ADAPTERS / self.name


def all_peers() -> list[Peer]:
    """All peers: pgqueue first, the others by name."""
    folders = sorted(ADAPTERS.iterdir(), key=lambda folder: (folder.name != "pgqueue", folder.name))
    return [
        Peer(folder.name, **tomllib.loads((folder / "peer.toml").read_text()))
        for folder in folders
        if (folder / "peer.toml").exists()
    ]
