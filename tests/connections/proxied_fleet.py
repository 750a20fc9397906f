"""Supervisors that reach a database of their own through a proxy that injects faults."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from chaos import ledger, procs
from chaos.process_guard import ProcessGuard
from chaos.proxy import Mode, Proxy
from chaos.server import Server
from chaos.tasks.effect import FOLDER

from pgqueue.client.client import Client
from pgqueue.core.job import Job
from pgqueue.schema import migrate

APP = Path(__file__).parent / "app"
_TESTS = Path(__file__).parents[1]

# Every loop must have recovered after this time.
SECONDS_MAX = 30.0

# A job starts within this time when a notification woke the worker, also on a busy machine. No poll
# comes so often.
_NOTIFIED_SECONDS = 2.0
_NOTIFIED_IN_A_ROW = 5

_SESSIONS = (
    "from pg_stat_activity where datname = current_database() "
    "and application_name like 'pgqueue %%' and pid <> pg_backend_pid()"
)


class ProxiedFleet:
    """Supervisors that reach their database through a proxy.

    Args:
        folder: The folder for logs, the ledger and the files that tasks wait for.

    Attributes:
        client: A client without the proxy.
    """

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.database = f"test_{uuid4().hex[:12]}"
        self.proxy = Proxy(server.port)
        self._guard = ProcessGuard()
        with server.connect() as connection:
            connection.execute(f"create database {self.database}".encode())
        self.url = self.url_at(server.port)
        self.url_through = self.url_at(self.proxy.port)
        migrate.upgrade(self.url, "pgqueue")
        self.client = Client(self.url)
        self._administrator: psycopg.Connection[Any] | None = None
        self.supervisors: list[subprocess.Popen[bytes]] = []

    def url_at(self, port: int) -> str:
        """The database at a port of this machine."""
        return self.server.url_at(port).replace("/postgres?", f"/{self.database}?")

    def url_at_primary_of(self, *ports: int) -> str:
        """The URL of several ports; libpq chooses the one that takes writes."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        url = self.url_at(ports[0]).replace(f"127.0.0.1:{ports[0]}", hosts)
        return f"{url}&target_session_attrs=read-write"

    def close(self) -> None:
        """Stop all supervisors, and close the proxy and the client."""
        self.proxy.set(Mode.PASS)
        for supervisor in self.supervisors:
            # Two different signals: the kernel keeps only one of two equal pending signals.
            supervisor.send_signal(signal.SIGTERM)
            supervisor.send_signal(signal.SIGINT)
        for supervisor in self.supervisors:
            try:
                supervisor.wait(20)
            except subprocess.TimeoutExpired:
                supervisor.kill()
                supervisor.wait()
        self._guard.release()
        self.client.close()
        if self._administrator is not None:
            self._administrator.close()
        self.proxy.close()

    # Supervisors.

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
        """Start a supervisor behind the proxy."""
        with self.log.open("ab") as log:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "pgqueue", "worker", *arguments],
                cwd=APP,
                env={
                    **os.environ,
                    "PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{_TESTS}",
                    "PGQUEUE_URL": self.url_through,
                    "PGQUEUE_TASKS": "depot.tasks",
                    "PGQUEUE_HEARTBEAT_SECONDS": "1",
                    "PGQUEUE_CPUS": "0",
                    "DEPOT_URL": self.url_through,
                    FOLDER: str(self.folder),
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.supervisors.append(supervisor)
        self._guard.add(supervisor.pid)
        return supervisor

    def until_recorded(self) -> None:
        """Wait until a worker has recorded its tasks, so that jobs get the options of tasks."""
        self.until(lambda: self.client.task("depot.tasks.cautious") is not None, "recorded")

    def start_two(self) -> None:
        """Start one supervisor that relies on notifications, and one that polls."""
        self.start("slow_poll", "--greenlets", "10", PGQUEUE_POLL_SECONDS="3600")
        self.start("default", "--greenlets", "10", PGQUEUE_TASKS="depot.tasks,depot.waiting")
        self.until(lambda: self.client.task("depot.waiting.aquick") is not None, "recorded")
        self.wait_for_recovery()

    def redirect_to(self, port: int) -> None:
        """Redirect all connections to another server, and reset the current ones."""
        self.proxy.target = port
        self.proxy.set(Mode.RESET)
        self.proxy.set(Mode.PASS)
        self.client.close()
        self.url = self.url_at(port)
        self.client.database.url = self.url

    def kill(self, supervisor: "subprocess.Popen[bytes]", *, with_children: bool) -> None:
        """Kill a supervisor, with its children first if asked."""
        supervisor.send_signal(signal.SIGSTOP)
        pids = procs.children(supervisor.pid) if with_children else []
        for pid in (*pids, supervisor.pid):
            procs.send(pid, signal.SIGKILL)
        supervisor.wait()
        self.supervisors.remove(supervisor)

    @property
    def log(self) -> Path:
        """The log of all supervisors."""
        return self.folder / "supervisors.log"

    def has_logged(self, text: str, since: int = 0) -> bool:
        """Whether the log contains *text* after its first *since* bytes."""
        return text.encode() in self.log.read_bytes()[since:]

    # The database, without the proxy.

    def rows(self, text: str, *params: object) -> list[tuple[Any, ...]]:
        """The rows of a query, on one connection that is replaced only after an error."""
        for is_second in (False, True):
            if self._administrator is None or self._administrator.closed:
                self._administrator = psycopg.connect(
                    self.url, autocommit=True, application_name="administrator"
                )
            try:
                cursor = self._administrator.execute(text.encode(), params)
                return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                self._administrator.close()
                if is_second:
                    raise
        raise AssertionError

    def sessions(self) -> int:
        """The number of sessions of supervisors and workers."""
        ((count,),) = self.rows(f"select count(*) {_SESSIONS}")
        return int(count)

    def terminate(self) -> None:
        """End every session of supervisors and workers."""
        self.rows(f"select pg_terminate_backend(pid) {_SESSIONS}")

    def enqueue(self, key: str, task: str = "depot.tasks.quick", **options: Any) -> Job:
        """A new job, enqueued without the proxy."""
        args = {"key": key, **options.pop("args", {})}
        return self.client.enqueue(task, args, **options)

    # Waiting.

    def until(
        self, condition: Callable[[], bool], description: str, seconds: float = SECONDS_MAX
    ) -> None:
        """Poll until a condition holds; fail with *description* when it does not in time."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                tail = self.log.read_text(errors="replace")[-4000:]
                pytest.fail(
                    f"not within {seconds:g} s: {description}; {self.rows(_STATES)}; {tail}"
                )
            # A bounded wait for other processes.
            threading.Event().wait(0.02)

    def until_final(self, *jobs: Job, status: str = "succeeded") -> None:
        """Wait until all *jobs* have this status."""
        for job in jobs:
            self.until(lambda job=job: job.refresh().status == status, f"{job.id} {status}")

    def release(self, name: str) -> None:
        """Create the file that jobs wait for."""
        self.path(name).touch()

    def path(self, name: str) -> Path:
        """The path of a file that tasks wait for."""
        return self.folder / name

    # Assertions.

    def wait_for_recovery(self) -> str:
        """The seconds until each loop works, in words; fails after the limit."""
        started_at = time.monotonic()
        ((injected_at,),) = self.rows("select clock_timestamp()")
        key = uuid4().hex
        jobs = {
            "claim, run, settle": self.enqueue(key),
            "claim, run, settle in asyncio": self.enqueue(key, "depot.waiting.aquick"),
            "claim, run, settle by notification": self.enqueue(key, queue="slow_poll"),
            "promotion": self.enqueue(key, run_after=0.1),
        }
        conditions: dict[str, Callable[[], bool]] = {
            name: (lambda job=job: job.refresh().status == "succeeded")
            for name, job in jobs.items()
        }
        conditions["renewal"] = lambda: self._is_true(_RENEWED, injected_at)
        conditions["maintenance"] = lambda: self._is_true(
            _MAINTAINED, injected_at, len(self.supervisors)
        )
        seconds: dict[str, float] = {}
        while conditions:
            self.until(
                lambda: any(condition() for condition in conditions.values()),
                " and ".join(conditions),
            )
            for name in [name for name, condition in conditions.items() if condition()]:
                del conditions[name]
                seconds[name] = time.monotonic() - started_at
        self.until_notified()
        seconds["notification"] = time.monotonic() - started_at
        assert seconds["notification"] < SECONDS_MAX
        return ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())

    def _is_true(self, text: str, *params: object) -> bool:
        return self.rows(text, *params) == [(True,)]

    def until_notified(self) -> None:
        """Wait until the supervisor that polls hourly starts several jobs in a row at once."""
        in_a_row = 0
        end = time.monotonic() + SECONDS_MAX
        while in_a_row < _NOTIFIED_IN_A_ROW:
            job = self.enqueue(uuid4().hex, queue="slow_poll")
            self.until_final(job)
            row = job.refresh()
            assert row.started_at is not None
            was_soon = (row.started_at - row.created_at).total_seconds() < _NOTIFIED_SECONDS
            in_a_row = in_a_row + 1 if was_soon else 0
            assert time.monotonic() < end, "notifications wake no worker"

    def starts(self, task: str) -> Counter[str]:
        """The starts of the jobs of a task by key, from the ledger."""
        ids = {row[0] for row in self.rows("select id from pgqueue.jobs where task = %s", task)}
        return Counter(
            line["key"]
            for line in ledger.read(self.folder / "effects.jsonl")
            if line["step"] == "started" and line["job_id"] in ids
        )

    def assert_nothing_lost_or_repeated(self) -> None:
        """Every job is final, and no job was started twice without a loss in between."""
        self.until(
            lambda: self.rows(_UNFINISHED) == [(0,)],
            "every job final",
            seconds=2 * SECONDS_MAX,
        )
        starts = Counter[int]()
        attempts = Counter[tuple[int, int]]()
        for line in ledger.read(self.folder / "effects.jsonl"):
            if line["step"] == "started":
                starts[line["job_id"]] += 1
                attempts[line["job_id"], line["attempt"]] += 1
        lost = dict(
            self.rows(
                "select job_id, count(*) from pgqueue.attempts "
                "where outcome in ('lost', 'interrupted', 'failed') group by job_id"
            )
        )
        assert [] == [token for token, count in attempts.items() if count > 1]
        assert [] == [id for id, count in starts.items() if count > 1 + lost.get(id, 0)]


@contextmanager
def running_fleet(server: Server) -> Iterator[ProxiedFleet]:
    """A fleet on a server, which is stopped after the block."""
    with tempfile.TemporaryDirectory(prefix="pgqueue-test-") as folder:
        fleet = ProxiedFleet(server, Path(folder))
        try:
            yield fleet
        finally:
            fleet.close()


_RENEWED = (
    "select bool_and(last_seen_at > %s and lease_until > clock_timestamp()) "
    "from pgqueue.workers where stopped_at is null"
)
_MAINTAINED = (
    "select count(*) filter (where query_start > %s) = %s from pg_stat_activity "
    "where datname = current_database() and application_name = 'pgqueue maintenance'"
)
_UNFINISHED = (
    "select count(*) from pgqueue.jobs "
    "where status not in ('succeeded', 'failed', 'cancelled') and queue <> 'nobody'"
)
_STATES = (
    "select id, task, status, attempt, error from pgqueue.jobs "
    "where status not in ('succeeded', 'cancelled') order by id limit 40"
)
