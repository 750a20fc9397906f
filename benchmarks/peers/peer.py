"""What is told of a peer by its `peer.toml`."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ADAPTERS = Path(__file__).parent / "adapters"


@dataclass(frozen=True, slots=True)
class Peer:
    """A queue to measure, ours among them.

    Args:
        version: The package whose version is printed.
        settings: How it is set up, and why, in a line for the output.
        unfinished: SQL that says whether a job waits or runs, of `%(count)s`; it is asked often.
        finished: SQL that counts the jobs that succeeded, each attempt of them.
        pip: What pip installs; None and no `npm` for our own environment.
        npm: What npm installs.
        worker: One command for all workers, with `{python}`, `{url}` and `{workers}`; without it
            the adapter's verb `work` is started for each.
        jobs_share: Of the jobs of a drain, for peers that would take minutes.
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
        """Where its adapter stands."""
        return ADAPTERS / self.name


def all_peers() -> list[Peer]:
    """Ours first, the others by name."""
    folders = sorted(ADAPTERS.iterdir(), key=lambda each: (each.name != "pgqueue", each.name))
    return [
        Peer(folder.name, **tomllib.loads((folder / "peer.toml").read_text()))
        for folder in folders
        if (folder / "peer.toml").exists()
    ]
