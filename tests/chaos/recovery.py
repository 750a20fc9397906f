"""`python -m chaos.recovery`: the wait of jobs after the death of a process, one at a time.

The settings are the defaults; two supervisors have two children each and no other load. Moments are
by the clock of PostgreSQL: it is read just before the kill, and the start is in the job's row.
"""

import argparse
import random
import shutil
import signal
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from chaos import procs, run
from chaos.fleet import Fleet
from chaos.process_guard import ProcessGuard
from chaos.server import Server
from chaos.tasks.rest import rest
from pgqueue.client.client import Client
from pgqueue.schema import migrate

_JOBS = 16
_WAIT_SECONDS_MAX = 120.0
_POLL_SECONDS = 0.01

_RUNNING = "select count(*) from pgqueue.jobs where status = 'running'"

_CLAIMED = """
select job.id, job.attempt
from pgqueue.jobs as job
join pgqueue.workers as worker on worker.id = job.worker_id
where job.status = 'running' and worker.pid = any(%s)
"""

_AGAIN = """
select extract(epoch from job.started_at - %s)::float8
from pgqueue.jobs as job
join unnest(%s::bigint[], %s::int[]) as claimed (id, attempt) on claimed.id = job.id
where job.attempt > claimed.attempt and job.status = 'running'
"""

_READY = (
    "select count(distinct pid) from pgqueue.workers where stopped_at is null and pid = any(%s)"
)


class Experiment:
    """A server, two supervisors and long jobs."""

    def __init__(self, server: Server, fleet: Fleet, client: Client, rng: random.Random) -> None:
        self.server = server
        self.fleet = fleet
        self.client = client
        self.rng = rng

    def child_killed(self) -> list[float]:
        """SIGKILL one child; the seconds until each of its jobs is claimed again."""
        name = self.rng.choice("ab")
        return self._killed(lambda: [self.rng.choice(self.fleet.children(name))])

    def host_killed(self) -> list[float]:
        """SIGKILL a supervisor and its children, which restart half a second later; the seconds."""
        name = self.rng.choice("ab")
        return self._killed(lambda: self.fleet.children(name), name)

    def server_restarted(self) -> list[float]:
        """Crash and start the server; the seconds from its first answer to the next claim."""
        with self.server.connect() as connection:
            self._fill(connection, 2.0, 4000)
        self.server.restart("immediate")
        with self.server.connect() as connection:
            [(ready_at,)] = connection.execute("select clock_timestamp()").fetchall()
            query = b"select extract(epoch from min(started_at) - %s)::float8 from pgqueue.jobs "
            query += b"where started_at > %s"
            [first] = _until(
                lambda: [
                    row[0]
                    for row in connection.execute(query, (ready_at, ready_at))
                    if row[0] is not None
                ]
            )
        return [first]

    def _killed(self, victims: Callable[[], list[int]], host: str = "") -> list[float]:
        with self.server.connect() as connection:
            _until(lambda: all(len(self._ready(connection, name)) >= 2 for name in "ab"))
            self._fill(connection, 600.0, _JOBS)
            pids = victims()
            claimed = connection.execute(_CLAIMED.encode(), (pids,)).fetchall()
            [(killed_at,)] = connection.execute("select clock_timestamp()").fetchall()
            if host:
                self.fleet.kill(host, with_children=True)
            else:
                procs.send(pids[0], signal.SIGKILL)
            params = (killed_at, [row[0] for row in claimed], [row[1] for row in claimed])

            def again() -> list[float]:
                seconds = [row[0] for row in connection.execute(_AGAIN.encode(), params)]
                return seconds if len(seconds) == len(claimed) else []

            return _until(again) if claimed else []

    def _ready(self, connection: Any, name: str) -> list[int]:
        pids = self.fleet.children(name)
        [(count,)] = connection.execute(_READY.encode(), (pids,)).fetchall()
        return pids if count == len(pids) else []

    def _fill(self, connection: Any, seconds: float, count: int) -> None:
        self.client.cancel(status=["queued", "running"])
        _until(lambda: connection.execute(_RUNNING.encode()).fetchall() == [(0,)])
        for _ in range(count):
            rest.using(connection=connection).enqueue(seconds)
        _until(lambda: connection.execute(_RUNNING.encode()).fetchone()[0] >= min(count, _JOBS))


def measure(counts: dict[str, int], seed: int) -> dict[str, list[float]]:
    """Cause each kind of death this often; the seconds that jobs waited."""
    home = run.folder()
    with ExitStack() as ends:
        ends.callback(shutil.rmtree, home)
        process_guard = ProcessGuard()
        ends.callback(process_guard.release)
        server = Server(home / "server")
        ends.callback(server.close)
        migrate.upgrade(server.url)
        fleet = Fleet(home, process_guard)
        for name in "ab":
            arguments = ("--tasks", "chaos.tasks.rest", "--processes", "2")
            fleet.add(name, *arguments, environment={"PGQUEUE_URL": server.url})
        ends.callback(fleet.kill_all)
        fleet.start()
        client = Client(server.url)
        ends.callback(client.close)
        experiment = Experiment(server, fleet, client, random.Random(seed))
        return {
            name: [seconds for _ in range(count) for seconds in getattr(experiment, name)()]
            for name, count in counts.items()
        }


def _until(query: Callable[[], Any]) -> Any:
    end = time.monotonic() + _WAIT_SECONDS_MAX
    while not (rows := query()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {_WAIT_SECONDS_MAX:g} s")
        time.sleep(_POLL_SECONDS)  # between two polls of real processes
    return rows


def _line(name: str, deaths: int, seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return (
        f"{name:<18}{deaths:>7}{len(ordered):>7}"
        f"{statistics.median(ordered):>9.2f}{p99:>9.2f}{ordered[-1]:>9.2f}"
    )


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="chaos.recovery", description=__doc__)
    parser.add_argument("--children", type=int, default=100)
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--servers", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    counts = {
        "child_killed": arguments.children,
        "host_killed": arguments.hosts,
        "server_restarted": arguments.servers,
    }
    waited = measure(counts, arguments.seed)
    print(f"{'seconds until':<18}{'deaths':>7}{'jobs':>7}{'median':>9}{'p99':>9}{'max':>9}")
    for name, seconds in waited.items():
        if seconds:
            print(_line(name, counts[name], seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
