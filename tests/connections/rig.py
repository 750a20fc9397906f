"""A server of its own, a proxy that misbehaves before it, and supervisors behind the proxy."""

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

# What is promised of every loop.
SECONDS_MAX = 30.0

# How soon a job is started that a notification woke a worker for, on a busy machine too; nothing
# that looks by itself looks so often.
_WOKEN_SECONDS = 2.0
_WOKEN_IN_A_ROW = 5

_SESSIONS = (
    "from pg_stat_activity where datname = current_database() "
    "and application_name like 'pgqueue %%' and pid <> pg_backend_pid()"
)


class Rig:
    """Supervisors on a database that is reached through a proxy.

    Args:
        folder: For logs, the ledger and the files that tasks wait for.

    Attributes:
        client: Past the proxy.
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
        """The database at that of several ports where it takes writes."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        url = self.url_at(ports[0]).replace(f"127.0.0.1:{ports[0]}", hosts)
        return f"{url}&target_session_attrs=read-write"

    def close(self) -> None:
        """End everything that was started."""
        self.proxy.set(Mode.PASS)
        for supervisor in self.supervisors:
            # Two different ones: the kernel keeps one of two equal ones that wait.
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
            started = subprocess.Popen(
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
        self.supervisors.append(started)
        self._guard.add(started.pid)
        return started

    def until_recorded(self) -> None:
        """Look until a worker has recorded its tasks, so that jobs get their tasks' options."""
        self.until(lambda: self.client.task("depot.tasks.cautious") is not None, "recorded")

    def start_two(self) -> None:
        """Start one that hears of work by notifications alone, and one that polls."""
        self.start("slow_poll", "--greenlets", "10", PGQUEUE_POLL_SECONDS="3600")
        self.start("default", "--greenlets", "10", PGQUEUE_TASKS="depot.tasks,depot.waiting")
        self.until(lambda: self.client.task("depot.waiting.abrief") is not None, "recorded")
        self.works_again()

    def lead_to(self, port: int) -> None:
        """Lead everybody to another server; this one's connections are broken."""
        self.proxy.target = port
        self.proxy.set(Mode.RESET)
        self.proxy.set(Mode.PASS)
        self.client.close()
        self.url = self.url_at(port)
        self.client.database.url = self.url

    def kill(self, supervisor: "subprocess.Popen[bytes]", *, with_children: bool) -> None:
        """Kill a supervisor, and perhaps its children before they see it."""
        supervisor.send_signal(signal.SIGSTOP)
        pids = procs.children(supervisor.pid) if with_children else []
        for pid in (*pids, supervisor.pid):
            procs.send(pid, signal.SIGKILL)
        supervisor.wait()
        self.supervisors.remove(supervisor)

    @property
    def log(self) -> Path:
        """What all supervisors said."""
        return self.folder / "supervisors.log"

    def said(self, text: str, since: int = 0) -> bool:
        """Whether a supervisor or a worker said this, past that many bytes of its log."""
        return text.encode() in self.log.read_bytes()[since:]

    # The database, past the proxy.

    def rows(self, text: str, *params: object) -> list[tuple[Any, ...]]:
        """The answer to a query, on one connection that is replaced only when it broke."""
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
        """How many sessions the supervisors and workers have."""
        ((count,),) = self.rows(f"select count(*) {_SESSIONS}")
        return int(count)

    def terminate(self) -> None:
        """End every session of theirs."""
        self.rows(f"select pg_terminate_backend(pid) {_SESSIONS}")

    def enqueue(self, key: str, task: str = "depot.tasks.brief", **options: Any) -> Job:
        """Enqueue a job past the proxy."""
        args = {"key": key, **options.pop("args", {})}
        return self.client.enqueue(task, args, **options)

    # Waiting.

    def until(self, is_so: Callable[[], bool], what: str, seconds: float = SECONDS_MAX) -> None:
        """Look until something is so; fail with *what* when it is not in time."""
        end = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > end:
                tail = self.log.read_text(errors="replace")[-4000:]
                pytest.fail(f"not within {seconds:g} s: {what}; {self.rows(_STATES)}; {tail}")
            # A bounded look at other processes' doing, not a wait for luck.
            threading.Event().wait(0.02)

    def until_final(self, *jobs: Job, status: str = "succeeded") -> None:
        """Look until jobs have ended so."""
        for job in jobs:
            self.until(lambda job=job: job.refresh().status == status, f"{job.id} {status}")

    def release(self, name: str) -> None:
        """Let the jobs end that wait for this file."""
        self.path(name).touch()

    def path(self, name: str) -> Path:
        """A file that tasks wait for."""
        return self.folder / name

    # What is asserted.

    def works_again(self) -> str:
        """The seconds until each loop was seen at work, in words; fails past the limit."""
        started_at = time.monotonic()
        ((injected_at,),) = self.rows("select clock_timestamp()")
        key = uuid4().hex
        jobs = {
            "claim, run, settle": self.enqueue(key),
            "the same in asyncio": self.enqueue(key, "depot.waiting.abrief"),
            "the same, polling hourly": self.enqueue(key, queue="slow_poll"),
            "promotion": self.enqueue(key, run_after=0.1),
        }
        waited: dict[str, Callable[[], bool]] = {
            name: (lambda job=job: job.refresh().status == "succeeded")
            for name, job in jobs.items()
        }
        waited["renewal"] = lambda: self._is_true(_RENEWED, injected_at)
        waited["maintenance"] = lambda: self._is_true(_MAINTAINED, injected_at, len(self.supervisors))
        seconds: dict[str, float] = {}
        while waited:
            self.until(lambda: any(is_so() for is_so in waited.values()), " and ".join(waited))
            for name in [name for name, is_so in waited.items() if is_so()]:
                del waited[name]
                seconds[name] = time.monotonic() - started_at
        self.until_woken()
        seconds["notification"] = time.monotonic() - started_at
        assert seconds["notification"] < SECONDS_MAX
        return ", ".join(f"{name} {each:.1f} s" for name, each in seconds.items())

    def _is_true(self, text: str, *params: object) -> bool:
        return self.rows(text, *params) == [(True,)]

    def until_woken(self) -> None:
        """Look until the one who polls only once an hour starts several jobs at once, in a row."""
        in_a_row = 0
        end = time.monotonic() + SECONDS_MAX
        while in_a_row < _WOKEN_IN_A_ROW:
            job = self.enqueue(uuid4().hex, queue="slow_poll")
            self.until_final(job)
            done = job.refresh()
            assert done.started_at is not None
            was_soon = (done.started_at - done.created_at).total_seconds() < _WOKEN_SECONDS
            in_a_row = in_a_row + 1 if was_soon else 0
            assert time.monotonic() < end, "notifications wake nobody"

    def starts(self, task: str) -> Counter[str]:
        """How often the jobs of a task were started, by key, as the ledger has it."""
        ids = {row[0] for row in self.rows("select id from pgqueue.jobs where task = %s", task)}
        return Counter(
            line["key"]
            for line in ledger.read(self.folder / "effects.jsonl")
            if line["step"] == "started" and line["job_id"] in ids
        )

    def check_evidence(self) -> None:
        """Nothing is stuck, and nothing was started twice that was not lost in between."""
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
        excused = dict(
            self.rows(
                "select job_id, count(*) from pgqueue.attempts "
                "where outcome in ('lost', 'interrupted', 'failed') group by job_id"
            )
        )
        assert [] == [token for token, count in attempts.items() if count > 1]
        assert [] == [id for id, count in starts.items() if count > 1 + excused.get(id, 0)]


@contextmanager
def running_rig(server: Server) -> Iterator[Rig]:
    """A rig before a server; all of it is ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="pgqueue-test-") as folder:
        made = Rig(server, Path(folder))
        try:
            yield made
        finally:
            made.close()


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
