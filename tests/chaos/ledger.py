"""What truly happened, in files outside the database: one JSON line each, only ever appended.

A database that loses data must not lose the evidence. Producers, tasks and the nemesis write
here at the moment they act, told by the monotonic clock; `evidence` copies the files beside the
queue's tables afterwards.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class Ledger:
    """One file of lines; any number of processes and threads may append to it.

    Args:
        durable: Wait until each line is on the disk.
    """

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._is_durable = durable

    def append(self, *lines: Mapping[str, Any]) -> None:
        """Write lines at once, each with the moment under `at` unless it says its own."""
        # One clock for all processes of a host, and no fault sets it, as it may the wall clock.
        now = time.monotonic()
        text = "".join(json.dumps({"at": now, **line}) + "\n" for line in lines).encode()
        # One call, so that a process that is killed leaves whole lines or none.
        if os.write(self._file, text) != len(text):
            raise OSError("the disk of the ledger is full: there is no evidence any more")
        if self._is_durable:
            os.fdatasync(self._file)

    def close(self) -> None:
        """Append nothing more."""
        os.close(self._file)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Every line of a ledger, in the order of writing; none where nothing was written."""
    if path.exists():
        with path.open() as file:
            yield from map(json.loads, file)
