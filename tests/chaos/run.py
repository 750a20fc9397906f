"""One run: everything started, hurt for a while, healed, waited for, stopped and judged."""

import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from chaos import evidence, figures, invariants, plan
from chaos.faults import disk
from chaos.faults.fault import Step
from chaos.fleet import Fleet
from chaos.invariants import When
from chaos.leash import Leash
from chaos.ledger import Ledger
from chaos.nemesis import Nemesis
from chaos.producer import Producer
from chaos.proxy import Mode, Proxy
from chaos.pulse import Pulse
from chaos.server import Server
from chaos.story import tell
from chaos.tasks import coroutines, effect, heavy
from chaos.world import PROXIES, World
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
"""Leases are short, so that many end within a run; the rest keeps step with them."""

_PRODUCERS = 4

# An answer that is lost is given up after 22 s, and a loop may pause for 10 s after that.
QUIET_SECONDS_MAX = 150.0

_LOOK_SECONDS = 0.5

_UNFINISHED = """
select id, task, status, attempt, worker_id, run_at, error
from pgqueue.jobs
where status not in ('succeeded', 'failed', 'cancelled')
order by id
"""


@dataclass
class Outcome:
    """What a run came to.

    Attributes:
        broken: By the name of the invariant, the rows that break it.
        stuck: Jobs that were not final when everything had been healed for long.
        complaints: What supervisors did that they should not, in sentences.
        stories: All that is known of some of the jobs concerned.
    """

    seed: int
    seconds: float
    disk: bool
    plan: list[Step]
    quiet_seconds: float = 0.0
    looks: int = 0
    backlog_max: int = 0
    early_ends: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    broken: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    stuck: list[dict[str, Any]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    figures: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    stories: list[str] = field(default_factory=list)
    server: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether nothing at all is to be complained of."""
        return not (self.stuck or self.complaints or any(self.broken.values()))


def folder() -> Path:
    """A folder for one run, which the server's user may enter."""
    made = Path(tempfile.mkdtemp(prefix="pgqueue-chaos-"))
    made.chmod(0o755)
    return made


def make(seed: int, seconds: float, home: Path) -> Outcome:
    """Make a run in a folder; nothing that it started is left when this returns or raises.

    Args:
        seconds: How long the nemesis is at work.
    """
    with ExitStack() as ends:
        leash = Leash()
        ends.callback(leash.let_go)
        small = disk.mount(home / "small", leash)
        if small is not None:
            ends.callback(disk.unmount, small)
        server = Server(home / "server")
        ends.callback(server.close)
        migrate.upgrade(server.url)
        with server.connect() as connection:
            evidence.prepare(connection)
            if small is not None:
                disk.move(connection, server, small)
        outcome = Outcome(seed, seconds, small is not None, plan.draw(seed, seconds))
        proxies = {name: Proxy(server.port, seed) for name in PROXIES}
        for proxy in proxies.values():
            ends.callback(proxy.close)
        fleet = _fleet(home, server, proxies, leash)
        ends.callback(fleet.kill_all)
        world = World(server, proxies, fleet, leash, small)
        _hurt(world, outcome, home)
        _judge(world, outcome, home)
        return outcome


def _fleet(home: Path, server: Server, proxies: Mapping[str, Proxy], leash: Leash) -> Fleet:
    # Four children in all: both have one for greenlets, so that each can take the other's jobs.
    fleet = Fleet(home, leash)
    crews = {
        "a": ("default", coroutines.QUEUE, "--tasks", "chaos.tasks.light,chaos.tasks.coroutines"),
        "b": ("default", heavy.QUEUE, "--tasks", "chaos.tasks.light,chaos.tasks.heavy"),
    }
    for name, arguments in crews.items():
        url = server.url_at(proxies[name].port)
        settings = {**SETTINGS, "PGQUEUE_URL": url, effect.URL: url, effect.FOLDER: str(home)}
        fleet.add(name, *arguments, "--cpus", "1", environment=settings)
    return fleet


def _hurt(world: World, outcome: Outcome, home: Path) -> None:
    pulse = Pulse(world.server)
    sends = Ledger(home / "sends.jsonl")
    url = world.server.url_at(world.proxies["producers"].port)
    producers = [
        Producer(number, outcome.seed, url, sends, pulse.has_room) for number in range(_PRODUCERS)
    ]
    nemesis = Nemesis(world, outcome.plan, Ledger(home / "faults.jsonl"))
    with ExitStack() as ends:
        ends.callback(nemesis.break_off)
        ends.callback(pulse.stop)
        world.fleet.start()
        pulse.start()
        for producer in producers:
            ends.callback(producer.stop)
            producer.start()
        nemesis.run()
        for proxy in world.proxies.values():
            proxy.set(Mode.PASS)
        for producer in producers:
            producer.stop()
        for producer in producers:
            producer.join(60.0)
            if producer.is_alive():
                outcome.complaints.append(f"{producer.name} hangs, though all is healed")
        _wait_for_quiet(world.server, outcome)
    outcome.looks, outcome.backlog_max = pulse.looks, pulse.backlog_max
    outcome.skipped = nemesis.skipped
    outcome.broken.update(pulse.broken)


def _wait_for_quiet(server: Server, outcome: Outcome) -> None:
    begun = time.monotonic()
    with server.connect() as connection:
        rest = [each for each in invariants.load() if each.when is When.REST]
        while True:
            outcome.stuck = _rows(connection, _UNFINISHED)
            broken = {each.name: list(each.broken(connection)) for each in rest}
            outcome.quiet_seconds = time.monotonic() - begun
            is_quiet = not (outcome.stuck or any(broken.values()))
            if is_quiet or outcome.quiet_seconds > QUIET_SECONDS_MAX:
                outcome.broken.update({name: rows for name, rows in broken.items() if rows})
                return
            time.sleep(_LOOK_SECONDS)


def _judge(world: World, outcome: Outcome, home: Path) -> None:
    left = world.fleet.stop()
    outcome.complaints += [f"process {pid} outlived its supervisor" for pid in left]
    outcome.complaints += world.fleet.complaints
    outcome.early_ends = world.fleet.early_ends
    with world.server.connect() as connection:
        evidence.collect(connection, home)
        for each in invariants.load():
            if each.when is not When.REST and (rows := each.broken(connection)):
                outcome.broken.setdefault(each.name, []).extend(rows)
        outcome.figures = figures.ask(connection)
        outcome.stories = tell(connection, outcome.broken, outcome.stuck)
        outcome.server = _rows(connection, "show server_version")[0]["server_version"]


def _rows(connection: "psycopg.Connection[Any]", question: str) -> list[dict[str, Any]]:
    cursor = connection.execute(question.encode())
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]
