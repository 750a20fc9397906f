"""The supervisors of a run: started, replaced when one ends, and stopped at the end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from parts.wrong_clock import WrongClock

from chaos import procs
from chaos.process_guard import ProcessGuard

_TESTS = Path(__file__).parents[1]

# A supervisor's grace and its last statements, with time for a slow machine.
STOP_SECONDS_MAX = 45.0

_POLL_SECONDS = 0.1
_PAUSE_SECONDS = 0.5

# A signal ends a process that has not yet installed its handlers.
_START_SECONDS_MAX = 5.0

# Enough readings of /proc to kill all processes of a session.
_READS_MAX = 20

# Success, and no database at the start; a service manager restarts the process after either.
_GOOD_CODES = frozenset({0, 3})


@dataclass
class ManagedSupervisor:
    """The command of one supervisor, and its current process."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    stopping: "dict[subprocess.Popen[bytes], float]" = field(default_factory=dict)
    start_at: float = 0.0
    started_at: float = 0.0
    clock: WrongClock | None = None


class Fleet:
    """Keeps each supervisor running, on a thread of its own.

    Attributes:
        problems: Errors of supervisors, in sentences.
        early_ends: The number of supervisors that ended without a signal.
    """

    def __init__(self, folder: Path, process_guard: ProcessGuard) -> None:
        self.problems: list[str] = []
        self.early_ends = 0
        self._folder = folder
        self._guard = process_guard
        self._managed: dict[str, ManagedSupervisor] = {}
        self._killed: set[int] = set()
        self._stopped_early: set[int] = set()
        self._changing = threading.RLock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)

    def add(self, name: str, *arguments: str, environment: Mapping[str, str]) -> None:
        """Add a supervisor; `start` starts it."""
        self._managed[name] = ManagedSupervisor(name, arguments, environment)

    def start(self) -> None:
        """Start all supervisors, and restart each one that ends."""
        self._check()
        self._thread.start()

    def supervisor(self, name: str) -> int | None:
        """The process id of a supervisor; None while it is not running."""
        with self._changing:
            process = self._managed[name].process
            return None if process is None else process.pid

    def children(self, name: str) -> list[int]:
        """The process ids of its children."""
        pid = self.supervisor(name)
        return [] if pid is None else procs.children(pid)

    def kill(self, name: str, *, with_children: bool) -> list[int]:
        """Kill a supervisor; the killed process ids.

        Args:
            with_children: As at the loss of a host: its children are killed first, and the
                processes that tasks have started too.
        """
        with self._changing:
            pid = self.supervisor(name)
            if pid is None:
                return []
            self._killed.add(pid)
            # A stopped supervisor cannot react to the end of its children.
            procs.send(pid, signal.SIGSTOP)
            pids = [*(procs.children(pid) if with_children else []), pid]
            for child in pids:
                procs.send(child, signal.SIGKILL)
            for child in pids:
                _kill_started_by_tasks(child)
            return pids

    def retire(self, name: str) -> int | None:
        """SIGTERM a supervisor, and start its successor at once."""
        with self._changing:
            managed = self._managed[name]
            process, managed.process = managed.process, None
            managed.start_at = 0.0
            if process is None:
                return None
            if time.monotonic() - managed.started_at < _START_SECONDS_MAX:
                self._stopped_early.add(process.pid)
            process.send_signal(signal.SIGTERM)
            managed.stopping[process] = time.monotonic() + STOP_SECONDS_MAX
            return process.pid

    def set_clock(self, name: str, offset: str) -> None:
        """Give the next processes of a supervisor a clock with this offset."""
        with self._changing:
            self._managed[name].clock = WrongClock(self._folder / f"clock-{name}", offset)

    def correct_clock(self, name: str) -> None:
        """Correct the wrong clock; the next processes have the host's clock."""
        with self._changing:
            clock, self._managed[name].clock = self._managed[name].clock, None
            if clock is not None:
                clock.set("+0s")

    def stop(self) -> list[int]:
        """Stop all supervisors by SIGTERM; the children that outlived them."""
        pids = [pid for name in self._managed for pid in self.children(name)]
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10.0)
        for name in self._managed:
            self.retire(name)
        while any(managed.stopping for managed in self._managed.values()):
            self._check_stopping()
            time.sleep(_POLL_SECONDS)  # between two polls of real processes
        return [pid for pid in pids if procs.lives(pid)]

    def kill_all(self) -> None:
        """Kill all processes, for a run that is interrupted."""
        self._stopping.set()
        for managed in self._managed.values():
            for process in (managed.process, *managed.stopping):
                if process is not None and process.poll() is None:
                    for pid in (*procs.children(process.pid), process.pid):
                        procs.send(pid, signal.SIGKILL)
                        _kill_started_by_tasks(pid)
                    process.wait(10.0)

    def _run(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS):
            self._check()

    def _check(self) -> None:
        with self._changing:
            for managed in self._managed.values():
                process = managed.process
                if process is not None and process.poll() is not None:
                    self._record_end(managed, process)
                    managed.process = None
                    managed.start_at = time.monotonic() + _PAUSE_SECONDS
                if managed.process is None and time.monotonic() >= managed.start_at:
                    managed.process = self._start_process(managed)
            self._check_stopping()

    def _check_stopping(self) -> None:
        for managed in self._managed.values():
            for process, deadline in list(managed.stopping.items()):
                if process.poll() is not None:
                    del managed.stopping[process]
                    self._record_end(managed, process, was_stopped=True)
                elif time.monotonic() > deadline:
                    self.problems.append(
                        f"{managed.name} (process {process.pid}) did not stop within "
                        f"{STOP_SECONDS_MAX:g} s"
                    )
                    for pid in (*procs.children(process.pid), process.pid):
                        procs.send(pid, signal.SIGKILL)
                    process.wait(10.0)
                    del managed.stopping[process]

    def _record_end(
        self,
        managed: ManagedSupervisor,
        process: "subprocess.Popen[bytes]",
        *,
        was_stopped: bool = False,
    ) -> None:
        if process.pid in self._killed:
            return
        self.early_ends += not was_stopped
        is_early = process.pid in self._stopped_early and process.returncode == -signal.SIGTERM
        if process.returncode not in _GOOD_CODES and not is_early:
            self.problems.append(
                f"{managed.name} (process {process.pid}) ended with code {process.returncode}"
            )

    def _start_process(self, managed: ManagedSupervisor) -> "subprocess.Popen[bytes]":
        clock = {} if managed.clock is None else managed.clock.environment
        with self._folder.joinpath(f"supervisor-{managed.name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "pgqueue", "worker", *managed.arguments],
                cwd=_TESTS,
                env={**os.environ, **managed.environment, **clock},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._guard.add(process.pid)
        managed.started_at = time.monotonic()
        return process


def _kill_started_by_tasks(worker_pid: int) -> None:
    # A process may start another one while the list is read; a killed one is listed for a moment.
    for _ in range(_READS_MAX):
        members = procs.started_by_tasks(worker_pid)
        if not members:
            return
        for pid in members:
            procs.send(pid, signal.SIGKILL)
