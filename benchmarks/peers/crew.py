"""The worker processes of one peer, from their start to their end."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.peers.environment import ROOT, Environment

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 15.0


class CrewFailed(Exception):
    """A worker ended, or did not start."""


class Crew:
    """Workers of one peer on one database.

    Args:
        starts: Where the jobs tell their starts.
    """

    def __init__(self, environment: Environment, url: str, workers: int, starts: Path) -> None:
        self._log = environment.folder / "worker.log"
        self._starts = starts
        commands = [environment.command("work")] * workers
        if words := environment.peer.worker:
            values = {"python": environment.program, "url": url, "workers": workers}
            commands = [[word.format(**values) for word in words]]
        self.began_at = time.time()
        with self._log.open("w") as log:
            self._processes = [
                subprocess.Popen(
                    command,
                    cwd=environment.peer.folder,
                    env=surroundings(url, starts),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                for command in commands
            ]

    def first_start(self) -> float:
        """Wait for the first start of a job, and say when it was.

        Raises:
            CrewFailed: None came.
        """
        while not (starts := self.starts()):
            self.check()
            if time.time() - self.began_at > START_SECONDS_MAX:
                raise CrewFailed(f"no job started within {START_SECONDS_MAX:.0f} seconds")
            time.sleep(0.002)
        return min(at for _, _, at in starts)

    def starts(self) -> Sequence[tuple[str, int, float]]:
        """Task, number and moment of each start that was told."""
        if not self._starts.exists():
            return []
        lines = self._starts.read_text().splitlines()
        return [(task, int(n), float(at)) for task, n, at in (line.split() for line in lines)]

    def check(self) -> None:
        """Raise CrewFailed when a worker has ended."""
        for process in self._processes:
            if process.poll() is not None:
                last = self._log.read_text().strip().splitlines()[-1:] or ["it said nothing"]
                raise CrewFailed(f"a worker ended with {process.returncode}: {last[0]}")

    def memory(self) -> dict[str, int]:
        """Bytes of all processes of all workers together, and how many processes these are."""
        tops = [psutil.Process(worker.pid) for worker in self._processes]
        processes = [each for top in tops for each in (top, *top.children(recursive=True))]
        each = [process.memory_full_info() for process in processes]
        return {
            "pss_bytes": sum(memory.pss for memory in each),
            "rss_bytes": sum(memory.rss for memory in each),
            "processes": len(each),
        }

    def stop(self) -> None:
        """Ask all to stop, and kill what is left after a while."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                pass  # killed below, with what it has started
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # the whole session has ended, as it should
            process.wait()


@contextmanager
def crew(environment: Environment, url: str, workers: int, starts: Path) -> Iterator[Crew]:
    """Start so many workers, and stop them at the end."""
    starts.unlink(missing_ok=True)
    started = Crew(environment, url, workers, starts)
    try:
        yield started
    finally:
        started.stop()


def surroundings(url: str, starts: Path) -> dict[str, str]:
    """The environment variables of every process of a peer."""
    return {
        **os.environ,
        "PEER_URL": url,
        "PEER_STARTS": str(starts),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
