"""Watches for processes that outlive their worker: forks and programs that tasks have started."""

import threading
import time
from typing import Any

from chaos import procs
from chaos.ledger import Ledger

_EVERY_SECONDS = 0.2

# A killed process ends when the kernel next runs it.
_END_SECONDS_MAX = 5.0

Process = tuple[int, str | None]


class Survivors:
    """Watches all sessions of workers, on a thread of its own.

    A worker leads a session, and what a task starts belongs to it. So a process survives its worker
    when the leader of its session is gone. Each one is written to the ledger when it ends.

    Args:
        mark: A variable, as NAME=VALUE, in the environment of all processes of the run.
    """

    def __init__(self, mark: str, ledger: Ledger) -> None:
        self._mark = mark
        self._ledger = ledger
        # Written by the thread, and after its end by `stop`.
        self._surviving: dict[Process, dict[str, Any]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="survivors", daemon=True)

    def start(self) -> None:
        """Start to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop to watch, and write the processes that survive now."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10.0)
        for process in list(self._surviving):
            self._write(process)

    def rest(self) -> list[str]:
        """Wait for the end of all processes of the run; the commands of those that go on."""
        deadline = time.monotonic() + _END_SECONDS_MAX
        while (living := self.living()) and time.monotonic() < deadline:
            time.sleep(_EVERY_SECONDS)  # between two polls of real processes
        return [f"process {pid} ({procs.command(pid)})" for pid in living]

    def living(self) -> list[int]:
        """The process ids of all processes of the run."""
        pids = filter(procs.lives, procs.every())
        return [pid for pid in pids if self._mark in procs.environment(pid)]

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY_SECONDS):
            self._check()

    def _check(self) -> None:
        found = {
            (pid, procs.started_at(pid)): worker_pid
            for pid in procs.every()
            if (worker_pid := procs.session(pid)) not in (None, pid)
            and procs.lives(pid)
            and _has_ended(worker_pid or 0)
        }
        for process in [process for process in self._surviving if process not in found]:
            self._write(process)
        for process, worker_pid in found.items():
            pid = process[0]
            if process not in self._surviving and self._mark in procs.environment(pid):
                line = {"worker_pid": worker_pid, "pid": pid, "command": procs.command(pid)}
                self._surviving[process] = {**line, "at": time.monotonic()}

    def _write(self, process: Process) -> None:
        line = self._surviving.pop(process)
        self._ledger.append({**line, "seconds": time.monotonic() - line["at"]})


def _has_ended(worker_pid: int) -> bool:
    if procs.lives(worker_pid):
        return False
    # A frozen supervisor ends nothing; it does when it resumes.
    supervisor_pid = procs.parent(worker_pid)
    return supervisor_pid is None or not procs.is_stopped(supervisor_pid)
