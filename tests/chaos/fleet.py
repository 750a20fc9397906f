"""The supervisors of a run: started, replaced whenever one ends, and stopped in the end."""

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
from chaos.leash import Leash

_TESTS = Path(__file__).parents[1]

# A supervisor's grace and farewell, and what a slow machine adds.
STOP_SECONDS_MAX = 45.0

_LOOK_SECONDS = 0.1
_PAUSE_SECONDS = 0.5

# Until Python has come as far as our code, a signal ends it by itself.
_START_SECONDS_MAX = 5.0

# Done, and no database at the start: a service manager would start it again after either.
_GOOD_CODES = frozenset({0, 3})


@dataclass
class Berth:
    """A place for one supervisor: what it is started with, and who is in it."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    leaving: "dict[subprocess.Popen[bytes], float]" = field(default_factory=dict)
    is_due: float = 0.0
    started_at: float = 0.0
    clock: WrongClock | None = None


class Fleet:
    """Keeps a supervisor in each berth, on a thread of its own.

    Attributes:
        complaints: What no supervisor should do, in sentences.
        early_ends: How often one ended without being told to.
    """

    def __init__(self, folder: Path, leash: Leash) -> None:
        self.complaints: list[str] = []
        self.early_ends = 0
        self._folder = folder
        self._leash = leash
        self._berths: dict[str, Berth] = {}
        self._killed: set[int] = set()
        self._told_early: set[int] = set()
        self._changing = threading.RLock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._tend, name="fleet", daemon=True)

    def add(self, name: str, *arguments: str, environment: Mapping[str, str]) -> None:
        """Make a berth; `start` fills it."""
        self._berths[name] = Berth(name, arguments, environment)

    def start(self) -> None:
        """Fill the berths and keep them filled."""
        self._look()
        self._thread.start()

    def supervisor(self, name: str) -> int | None:
        """Process id of the supervisor in a berth; None while there is none."""
        with self._changing:
            process = self._berths[name].process
            return None if process is None else process.pid

    def children(self, name: str) -> list[int]:
        """Process ids of its children."""
        pid = self.supervisor(name)
        return [] if pid is None else procs.children(pid)

    def kill(self, name: str, *, with_children: bool) -> list[int]:
        """Kill the supervisor in a berth, and perhaps its children first; their process ids."""
        with self._changing:
            pid = self.supervisor(name)
            if pid is None:
                return []
            self._killed.add(pid)
            # Stopped first: it shall not see its children end.
            procs.send(pid, signal.SIGSTOP)
            pids = [*(procs.children(pid) if with_children else []), pid]
            for each in pids:
                procs.send(each, signal.SIGKILL)
            return pids

    def retire(self, name: str) -> int | None:
        """Tell a supervisor to stop, and start its successor at once."""
        with self._changing:
            berth = self._berths[name]
            process, berth.process = berth.process, None
            berth.is_due = 0.0
            if process is None:
                return None
            if time.monotonic() - berth.started_at < _START_SECONDS_MAX:
                self._told_early.add(process.pid)
            process.send_signal(signal.SIGTERM)
            berth.leaving[process] = time.monotonic() + STOP_SECONDS_MAX
            return process.pid

    def set_clock(self, name: str, told: str) -> None:
        """Let whoever is started in a berth from now on have a clock that is so far off."""
        with self._changing:
            self._berths[name].clock = WrongClock(self._folder / f"clock-{name}", told)

    def right_clock(self, name: str) -> None:
        """Set the clock right under whoever has it; the next are started with the host's."""
        with self._changing:
            clock, self._berths[name].clock = self._berths[name].clock, None
            if clock is not None:
                clock.set("+0s")

    def stop(self) -> list[int]:
        """Stop all supervisors as a person would; the children that outlived them."""
        pids = [pid for name in self._berths for pid in self.children(name)]
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10.0)
        for name in self._berths:
            self.retire(name)
        while any(berth.leaving for berth in self._berths.values()):
            self._look_at_leaving()
            time.sleep(_LOOK_SECONDS)
        return [pid for pid in pids if procs.lives(pid)]

    def kill_all(self) -> None:
        """End everything now, for a run that is broken off."""
        self._stopping.set()
        for berth in self._berths.values():
            for process in (berth.process, *berth.leaving):
                if process is not None and process.poll() is None:
                    for pid in (*procs.children(process.pid), process.pid):
                        procs.send(pid, signal.SIGKILL)
                    process.wait(10.0)

    def _tend(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        with self._changing:
            for berth in self._berths.values():
                process = berth.process
                if process is not None and process.poll() is not None:
                    self._note_end(berth, process)
                    berth.process = None
                    berth.is_due = time.monotonic() + _PAUSE_SECONDS
                if berth.process is None and time.monotonic() >= berth.is_due:
                    berth.process = self._started(berth)
            self._look_at_leaving()

    def _look_at_leaving(self) -> None:
        for berth in self._berths.values():
            for process, until in list(berth.leaving.items()):
                if process.poll() is not None:
                    del berth.leaving[process]
                    self._note_end(berth, process, was_told=True)
                elif time.monotonic() > until:
                    self.complaints.append(
                        f"{berth.name} (process {process.pid}) did not stop within "
                        f"{STOP_SECONDS_MAX:g} s"
                    )
                    for pid in (*procs.children(process.pid), process.pid):
                        procs.send(pid, signal.SIGKILL)
                    process.wait(10.0)
                    del berth.leaving[process]

    def _note_end(
        self, berth: Berth, process: "subprocess.Popen[bytes]", *, was_told: bool = False
    ) -> None:
        if process.pid in self._killed:
            return
        self.early_ends += not was_told
        is_early = process.pid in self._told_early and process.returncode == -signal.SIGTERM
        if process.returncode not in _GOOD_CODES and not is_early:
            self.complaints.append(
                f"{berth.name} (process {process.pid}) ended with code {process.returncode}"
            )

    def _started(self, berth: Berth) -> "subprocess.Popen[bytes]":
        clock = {} if berth.clock is None else berth.clock.environment
        with self._folder.joinpath(f"supervisor-{berth.name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "pgqueue", "worker", *berth.arguments],
                cwd=_TESTS,
                env={**os.environ, **berth.environment, **clock},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._leash.hold(process.pid)
        berth.started_at = time.monotonic()
        return process
