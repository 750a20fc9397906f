"""The record of a run in files outside the database: append-only, one JSON line an event.

A database that loses data must not lose the record. Producers, tasks and the nemesis append a line
at the moment they act, by the monotonic clock. `ledger_tables` copies the files into tables later.
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
        durable: Whether each call waits until its lines are on the disk.
    """

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._is_durable = durable

    def append(self, *lines: Mapping[str, Any]) -> None:
        """Append lines in one write, each with the moment under `at` unless it has its own."""
        # All processes of a host share this clock, and no fault changes it.
        now = time.monotonic()
        text = "".join(json.dumps({"at": now, **line}) + "\n" for line in lines).encode()
        # One call: a killed process leaves whole lines or none.
        if os.write(self._file, text) != len(text):
            raise OSError("the disk of the ledger is full")
        if self._is_durable:
            os.fdatasync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Every line of a ledger, in the order of writing; none without a file."""
    if path.exists():
        with path.open() as file:
            yield from map(json.loads, file)
