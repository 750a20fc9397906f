"""`python -m chaos.recovery`: how long jobs wait after a death, one death at a time.

At default settings, with two supervisors of two children each and nothing else going on. Moments
are PostgreSQL's: that of the kill is asked for right before it, that of the next start stands in
the job's row.
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
from chaos.leash import Leash
from chaos.server import Server
from chaos.tasks.rest import rest
from pgqueue.client.client import Client
from pgqueue.schema import migrate

_JOBS = 16
_WAIT_SECONDS_MAX = 120.0
_LOOK_SECONDS = 0.01

_RUNNING = "select count(*) from pgqueue.jobs where status = 'running'"

_HELD = """
select job.id, job.attempt
from pgqueue.jobs as job
join pgqueue.workers as worker on worker.id = job.worker_id
where job.status = 'running' and worker.pid = any(%s)
"""

_AGAIN = """
select extract(epoch from job.started_at - %s)::float8
from pgqueue.jobs as job
join unnest(%s::bigint[], %s::int[]) as held (id, attempt) on held.id = job.id
where job.attempt > held.attempt and job.status = 'running'
"""

_READY = (
    "select count(distinct pid) from pgqueue.workers where stopped_at is null and pid = any(%s)"
)


class Scene:
    """A server, two supervisors and jobs that last."""

    def __init__(self, server: Server, fleet: Fleet, client: Client, dice: random.Random) -> None:
        self.server = server
        self.fleet = fleet
        self.client = client
        self.dice = dice

    def child_killed(self) -> list[float]:
        """SIGKILL one child; seconds until each of its jobs has been claimed again."""
        name = self.dice.choice("ab")
        return self._killed(lambda: [self.dice.choice(self.fleet.children(name))])

    def host_killed(self) -> list[float]:
        """SIGKILL a supervisor and its children; it is started again half a second later."""
        name = self.dice.choice("ab")
        return self._killed(lambda: self.fleet.children(name), name)

    def server_restarted(self) -> list[float]:
        """Crash and start the server; seconds from its first answer to the next claim."""
        with self.server.connect() as connection:
            self._fill(connection, 2.0, 4000)
        self.server.restart("immediate")
        with self.server.connect() as connection:
            [(ready_at,)] = connection.execute("select clock_timestamp()").fetchall()
            asked = b"select extract(epoch from min(started_at) - %s)::float8 from pgqueue.jobs "
            asked += b"where started_at > %s"
            [first] = _until(
                lambda: [
                    row[0]
                    for row in connection.execute(asked, (ready_at, ready_at))
                    if row[0] is not None
                ]
            )
        return [first]

    def _killed(self, victims: Callable[[], list[int]], host: str = "") -> list[float]:
        with self.server.connect() as connection:
            _until(lambda: all(len(self._ready(connection, name)) >= 2 for name in "ab"))
            self._fill(connection, 600.0, _JOBS)
            pids = victims()
            held = connection.execute(_HELD.encode(), (pids,)).fetchall()
            [(killed_at,)] = connection.execute("select clock_timestamp()").fetchall()
            if host:
                self.fleet.kill(host, with_children=True)
            else:
                procs.send(pids[0], signal.SIGKILL)
            params = (killed_at, [row[0] for row in held], [row[1] for row in held])

            def again() -> list[float]:
                found = [row[0] for row in connection.execute(_AGAIN.encode(), params)]
                return found if len(found) == len(held) else []

            return _until(again) if held else []

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
    """Let each kind of death happen so often; the seconds that jobs waited."""
    home = run.folder()
    with ExitStack() as ends:
        ends.callback(shutil.rmtree, home)
        leash = Leash()
        ends.callback(leash.let_go)
        server = Server(home / "server")
        ends.callback(server.close)
        migrate.upgrade(server.url)
        fleet = Fleet(home, leash)
        for name in "ab":
            arguments = ("--tasks", "chaos.tasks.rest", "--processes", "2")
            fleet.add(name, *arguments, environment={"PGQUEUE_URL": server.url})
        ends.callback(fleet.kill_all)
        fleet.start()
        client = Client(server.url)
        ends.callback(client.close)
        scene = Scene(server, fleet, client, random.Random(seed))
        return {
            name: [seconds for _ in range(count) for seconds in getattr(scene, name)()]
            for name, count in counts.items()
        }


def _until(look: Callable[[], Any]) -> Any:
    end = time.monotonic() + _WAIT_SECONDS_MAX
    while not (found := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {_WAIT_SECONDS_MAX:g} s")
        time.sleep(_LOOK_SECONDS)
    return found


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
    asked = parser.parse_args()
    counts = {
        "child_killed": asked.children,
        "host_killed": asked.hosts,
        "server_restarted": asked.servers,
    }
    waited = measure(counts, asked.seed)
    print(f"{'seconds until':<18}{'deaths':>7}{'jobs':>7}{'median':>9}{'p99':>9}{'max':>9}")
    for name, seconds in waited.items():
        if seconds:
            print(_line(name, counts[name], seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
