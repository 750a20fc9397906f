"""One run: start the system, inject faults, heal them, wait, stop, and verify."""

import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from chaos import figures, invariants, ledger_tables, plan
from chaos.faults import disk
from chaos.faults.fault import Step
from chaos.fleet import Fleet
from chaos.invariants import When
from chaos.ledger import Ledger
from chaos.monitor import Monitor
from chaos.nemesis import Nemesis
from chaos.process_guard import ProcessGuard
from chaos.producer import Producer
from chaos.proxy import Mode, Proxy
from chaos.server import Server
from chaos.survivors import Survivors
from chaos.system import PROXIES, System
from chaos.tasks import coroutines, effect, heavy
from chaos.timeline import timelines_of
from pgqueue.schema import migrate

SETTINGS = {
    "PGQUEUE_LEASE_SECONDS": "4",
    "PGQUEUE_HEARTBEAT_SECONDS": "1",
    "PGQUEUE_POLL_SECONDS": "0.5",
    "PGQUEUE_GRACE_SECONDS": "3",
    "PGQUEUE_TIMEOUT_GRACE_SECONDS": "1",
    "PGQUEUE_LOG_LINES_MAX": "50",
    "PGQUEUE_LOG_BYTES_MAX": "65536",
}
"""Leases are short, so that many expire within a run; the other times fit to them."""

_PRODUCERS = 4

# A lost reply times out after 22 s, and a loop may pause for 10 s after that.
QUIET_SECONDS_MAX = 150.0

_POLL_SECONDS = 0.5

_UNFINISHED = """
select id, task, status, attempt, worker_id, run_at, error
from pgqueue.jobs
where status not in ('succeeded', 'failed', 'cancelled')
order by id
"""


@dataclass
class Outcome:
    """The result of a run.

    Attributes:
        broken: The violations by the name of the invariant.
        stuck: The jobs that were not final long after all faults were healed.
        problems: Errors of supervisors, in sentences.
        timelines: The known events of some of the jobs concerned.
    """

    seed: int
    seconds: float
    disk: bool
    plan: list[Step]
    quiet_seconds: float = 0.0
    checks: int = 0
    backlog_max: int = 0
    early_ends: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    broken: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    stuck: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    figures: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    timelines: list[str] = field(default_factory=list)
    server: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether the run has no violation, no stuck job and no problem."""
        return not (self.stuck or self.problems or any(self.broken.values()))


def folder() -> Path:
    """A new folder for one run, which the server's user may enter."""
    path = Path(tempfile.mkdtemp(prefix="pgqueue-chaos-"))
    path.chmod(0o755)
    return path


def make(seed: int, seconds: float, home: Path) -> Outcome:
    """The result of a run in a folder; all its processes have ended at the return.

    Args:
        seconds: The duration of the faults.
    """
    with ExitStack() as ends:
        process_guard = ProcessGuard()
        ends.callback(process_guard.release)
        small = disk.mount(home / "small", process_guard)
        if small is not None:
            ends.callback(disk.unmount, small)
        server = Server(home / "server")
        ends.callback(server.close)
        migrate.upgrade(server.url)
        with server.connect() as connection:
            ledger_tables.prepare(connection)
            if small is not None:
                disk.move(connection, server, small)
        outcome = Outcome(seed, seconds, small is not None, plan.draw(seed, seconds))
        proxies = {name: Proxy(server.port, seed) for name in PROXIES}
        for proxy in proxies.values():
            ends.callback(proxy.close)
        fleet = _fleet(home, server, proxies, process_guard)
        ends.callback(fleet.kill_all)
        survivors = Survivors(f"{effect.FOLDER}={home}", Ledger(home / "outlived.jsonl"))
        survivors.start()
        ends.callback(survivors.stop)
        system = System(server, proxies, fleet, process_guard, small)
        _inject(system, outcome, home)
        _verify(system, survivors, outcome, home)
        return outcome


def _fleet(
    home: Path, server: Server, proxies: Mapping[str, Proxy], process_guard: ProcessGuard
) -> Fleet:
    # Four children: each supervisor has one for greenlets, which can run jobs of the other one.
    fleet = Fleet(home, process_guard)
    arguments_by_name = {
        "a": ("default", coroutines.QUEUE, "--tasks", "chaos.tasks.light,chaos.tasks.coroutines"),
        "b": ("default", heavy.QUEUE, "--tasks", "chaos.tasks.light,chaos.tasks.heavy"),
    }
    for name, arguments in arguments_by_name.items():
        url = server.url_at(proxies[name].port)
        settings = {**SETTINGS, "PGQUEUE_URL": url, effect.URL: url, effect.FOLDER: str(home)}
        fleet.add(name, *arguments, "--cpus", "1", environment=settings)
    return fleet


def _inject(system: System, outcome: Outcome, home: Path) -> None:
    monitor = Monitor(system.server)
    sends = Ledger(home / "sends.jsonl")
    url = system.server.url_at(system.proxies["producers"].port)
    producers = [
        Producer(number, outcome.seed, url, sends, monitor.has_capacity)
        for number in range(_PRODUCERS)
    ]
    nemesis = Nemesis(system, outcome.plan, Ledger(home / "faults.jsonl"))
    with ExitStack() as ends:
        ends.callback(nemesis.break_off)
        ends.callback(monitor.stop)
        system.fleet.start()
        monitor.start()
        for producer in producers:
            ends.callback(producer.stop)
            producer.start()
        nemesis.run()
        for proxy in system.proxies.values():
            proxy.set(Mode.PASS)
        for producer in producers:
            producer.stop()
        for producer in producers:
            producer.join(60.0)
            if producer.is_alive():
                outcome.problems.append(f"{producer.name} hangs, though all faults are healed")
        _wait_for_quiet(system.server, outcome)
    outcome.checks, outcome.backlog_max = monitor.checks, monitor.backlog_max
    outcome.skipped = nemesis.skipped
    outcome.broken.update(monitor.broken)


def _wait_for_quiet(server: Server, outcome: Outcome) -> None:
    started_at = time.monotonic()
    with server.connect() as connection:
        rest = [invariant for invariant in invariants.load() if invariant.when is When.REST]
        while True:
            outcome.stuck = _rows(connection, _UNFINISHED)
            broken = {invariant.name: list(invariant.broken(connection)) for invariant in rest}
            outcome.quiet_seconds = time.monotonic() - started_at
            is_quiet = not (outcome.stuck or any(broken.values()))
            if is_quiet or outcome.quiet_seconds > QUIET_SECONDS_MAX:
                outcome.broken.update({name: rows for name, rows in broken.items() if rows})
                return
            time.sleep(_POLL_SECONDS)  # between two polls of real processes


def _verify(system: System, survivors: Survivors, outcome: Outcome, home: Path) -> None:
    workers_left = system.fleet.stop()
    outcome.problems += [f"process {pid} outlived its supervisor" for pid in workers_left]
    outcome.problems += [f"{process} outlived the supervisors" for process in survivors.rest()]
    survivors.stop()
    outcome.problems += system.fleet.problems
    outcome.early_ends = system.fleet.early_ends
    with system.server.connect() as connection:
        ledger_tables.collect(connection, home)
        for invariant in invariants.load():
            if invariant.when is not When.REST and (rows := invariant.broken(connection)):
                outcome.broken.setdefault(invariant.name, []).extend(rows)
        outcome.figures = figures.collect(connection)
        outcome.timelines = timelines_of(connection, outcome.broken, outcome.stuck)
        outcome.server = _rows(connection, "show server_version")[0]["server_version"]


def _rows(connection: "psycopg.Connection[Any]", query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query.encode())
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]
