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


class WorkerFailed(Exception):
    """A worker ended early, or did not start."""


class Workers:
    """Workers of one peer on one database.

    Args:
        starts: The file in which the jobs record their starts.
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
                    env=variables(url, starts),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                for command in commands
            ]

    def first_start(self) -> float:
        """The moment of the first start of a job.

        Raises:
            WorkerFailed: No job started in time.
        """
        while not (starts := self.starts()):
            self.check()
            if time.time() - self.began_at > START_SECONDS_MAX:
                raise WorkerFailed(f"no job started within {START_SECONDS_MAX:.0f} seconds")
            time.sleep(0.002)
        return min(at for _, _, at in starts)

    def starts(self) -> Sequence[tuple[str, int, float]]:
        """Task, number and moment of each recorded start."""
        if not self._starts.exists():
            return []
        lines = self._starts.read_text().splitlines()
        return [(task, int(n), float(at)) for task, n, at in (line.split() for line in lines)]

    def check(self) -> None:
        """Raise WorkerFailed when a worker has ended."""
        for process in self._processes:
            if process.poll() is not None:
                last = self._log.read_text().strip().splitlines()[-1:] or ["no output"]
                raise WorkerFailed(f"a worker ended with {process.returncode}: {last[0]}")

    def memory(self) -> dict[str, int]:
        """The bytes of all processes of all workers, and the number of processes."""
        tops = [psutil.Process(worker.pid) for worker in self._processes]
        processes = [child for top in tops for child in (top, *top.children(recursive=True))]
        usages = [process.memory_full_info() for process in processes]
        return {
            "pss_bytes": sum(usage.pss for usage in usages),
            "rss_bytes": sum(usage.rss for usage in usages),
            "processes": len(usages),
        }

    def stop(self) -> None:
        """Stop all workers by SIGTERM, and kill the remaining processes after a while."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                pass  # killed below, with its own children
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # all processes of the session have ended
            process.wait()


@contextmanager
def start_workers(
    environment: Environment, url: str, workers: int, starts: Path
) -> Iterator[Workers]:
    """Start *workers* workers, and stop them after the block."""
    starts.unlink(missing_ok=True)
    started = Workers(environment, url, workers, starts)
    try:
        yield started
    finally:
        started.stop()


def variables(url: str, starts: Path) -> dict[str, str]:
    """The environment variables of every process of a peer."""
    return {
        **os.environ,
        "PEER_URL": url,
        "PEER_STARTS": str(starts),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
