"""Each invariant can fail: a violation is planted in a valid history, and found."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import claiming
import psycopg
import pytest
import registering

from chaos import invariants, ledger_tables
from chaos.ledger import Ledger
from chaos.tasks import coroutines, light
from pgqueue.client.client import Client
from pgqueue.core.lifecycle import Outcome
from pgqueue.store import logs, settlements, workers
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.logs import NewLogLine
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run

# One invariant reads the names of sessions, and a pooler keeps the name of the first client.
pytestmark = pytest.mark.own_session

_PID = 1

PLANTED = {
    "inv01: a committed job is gone": "delete from pgqueue.jobs where args ->> 'key' = 'plain'",
    "inv01: a committed job is not final": "update pgqueue.jobs set status = 'queued'",
    "inv02: a rolled-back job is there": "insert into pgqueue.jobs (task, args) "
    """values ('x', '{"key": "rolled back"}')""",
    "inv02: a rolled-back job ran": "insert into chaos.effects "
    "values (now(), 'rolled back', 99, 1, 1, 'started')",
    "inv02: a rolled-back order is there": "insert into chaos.orders values ('rolled back')",
    "inv03: an order without its job": "insert into chaos.orders values ('not made')",
    "inv03: a job without its order": "delete from chaos.orders where key = 'made'",
    "inv04: a job without a sender": """insert into pgqueue.jobs (task, args) values ('x', '{}')""",
    "inv04: a job twice": "insert into pgqueue.jobs (task, args) "
    """values ('x', '{"key": "plain"}')""",
    "inv05: a success without a succeeded attempt": "update pgqueue.attempts "
    "set outcome = 'failed'",
    "inv05: two succeeded attempts": "update pgqueue.attempts set outcome = 'succeeded'",
    "inv05: a failure with a succeeded attempt": "update pgqueue.jobs set status = 'failed'",
    "inv06: running and settled": "update pgqueue.jobs set status = 'running'",
    "inv06: running without a worker": "insert into pgqueue.jobs (task, status) "
    "values ('x', 'running')",
    "inv06: queued with a worker": "insert into pgqueue.jobs (task, worker_id) values ('x', 1)",
    "inv07: an attempt is missing": "delete from pgqueue.attempts where attempt = 1",
    "inv07: an attempt too many": "update pgqueue.jobs set attempt = attempt - 1",
    "inv07: an attempt of no job": "insert into pgqueue.attempts (job_id, attempt, outcome) "
    "values (99, 1, 'lost')",
    "inv08: failed too often": "insert into pgqueue.attempts (job_id, attempt, outcome) "
    "select id, n, 'failed' from pgqueue.jobs, generate_series(5, 12) as n",
    "inv08: lost too often in a row": "insert into pgqueue.attempts (job_id, attempt, outcome) "
    "select id, n, 'lost' from pgqueue.jobs, generate_series(5, 8) as n",
    "inv08: the count of failures": "update pgqueue.jobs set failure_count = 50",
    "inv08: the count of losses": "update pgqueue.jobs set lost_count = 4",
    "inv09: started twice outside": "insert into chaos.effects "
    "select * from chaos.effects where key = 'cautious' and step = 'started'",
    "inv09: started twice": "insert into pgqueue.attempts (job_id, attempt, outcome, started_at) "
    "select id, 9, 'succeeded', now() from pgqueue.jobs where delivery = 'at_most_once'",
    "inv10: a final job is queued again": "update pgqueue.jobs set status = 'queued'",
    "inv10: a final job is touched": "update pgqueue.jobs set progress = 1",
    "inv10: the count of attempts goes back": "update pgqueue.jobs set attempt = 0",
    "inv10: a job is made as running": "insert into pgqueue.jobs (task, status) "
    "values ('x', 'running')",
    "inv10: a job is claimed by no fetcher": "with made as (insert into pgqueue.jobs (task) "
    "values ('x') returning id) insert into chaos.history (application, job_id, old_status, "
    "new_status, old_attempt, new_attempt, new_worker_id) "
    "select 'psql', id, 'queued', 'running', 0, 1, 1 from made",
    "inv10: a kept job is deleted": "delete from pgqueue.jobs where args ->> 'key' = 'plain'",
    "inv10: a running job changes hands": "insert into chaos.history (job_id, old_status, "
    "new_status, old_attempt, new_attempt, old_worker_id, new_worker_id) "
    "values (1, 'running', 'running', 1, 1, 1, 2)",
    "inv11: a success without its payment": "delete from chaos.payments",
    "inv11: a payment twice": "insert into chaos.payments select * from chaos.payments",
    "inv12: an attempt started twice": "insert into chaos.effects "
    "select * from chaos.effects where step = 'started'",
    "inv12: an attempt that never was": "update chaos.effects set attempt = 9",
    "inv12: started without a start in its row": "update pgqueue.attempts set started_at = null",
    "inv12: succeeded and not started": "delete from chaos.effects where key = 'plain'",
    "inv13: a worker writes to another's job": "insert into chaos.history (application, job_id, "
    "old_status, new_status, old_attempt, new_attempt, old_worker_id, new_worker_id) "
    "values ('pgqueue finisher 98', 1, 'running', 'failed', 1, 1, 99, 99)",
    "inv13: a worker writes to a final job": "insert into chaos.history (application, job_id, "
    "old_status, new_status, old_attempt, new_attempt, old_worker_id, new_worker_id) "
    "values ('pgqueue finisher 98', 1, 'failed', 'failed', 1, 1, 98, 98)",
    "inv13: a line after the end": "update chaos.log_writes set at = at + interval '1 minute'",
    "inv16: started too early": "update chaos.sends set due_at = now() + interval '1 hour' "
    "where key = 'punctual'",
    "inv16: ready too early": "update chaos.history set new_run_at = at + interval '1 second'",
    "inv20: a lease that was not ended": "update pgqueue.workers "
    "set stopped_at = null, lease_until = now() - interval '1 minute'",
    "inv21: a task that goes on": "update chaos.effects set at = at + interval '1 minute' "
    "where step = 'done'",
    "inv21: an attempt that goes on": "update pgqueue.attempts "
    "set finished_at = finished_at + interval '1 minute'",
    "inv22: a line of no attempt": "update pgqueue.logs set attempt = 9",
    "inv22: too many lines": "insert into pgqueue.logs (job_id, attempt, level, message) "
    "select job_id, attempt, level, message from pgqueue.logs, generate_series(1, 51)",
    "inv22: too much text": "update pgqueue.logs set message = repeat('x', 70000)",
    "inv23: large arguments": "update pgqueue.jobs "
    "set args = args || jsonb_build_object('text', repeat('x', 70000))",
    "inv23: a large result": "update pgqueue.jobs set result = to_jsonb(repeat('x', 1100000))",
    "inv23: a long error": "update pgqueue.jobs set error = repeat('x', 2001)",
    "inv23: a long traceback": "update pgqueue.attempts set traceback = repeat('x', 70000)",
    "inv24: a session": "set application_name = 'pgqueue left'",
    "inv24: a lock": "select pg_advisory_xact_lock(1)",
    "inv24: a lease": "update pgqueue.workers set stopped_at = null",
    "inv24: a running job": "update pgqueue.jobs set status = 'running'",
    "inv25: rescued from a worker that lives": "with alive as (update pgqueue.workers "
    "set stopped_at = null returning id) insert into chaos.history (application, job_id, "
    "old_status, new_status, old_worker_id) "
    "select 'pgqueue maintenance', 1, 'running', 'queued', id from alive",
    "inv25: rescued from a worker that ended later": "insert into chaos.history (at, application, "
    "job_id, old_status, new_status, old_worker_id) select stopped_at - interval '1 second', "
    "'pgqueue shutdown', 1, 'running', 'queued', id from pgqueue.workers",
    "inv26: an attempt works beside a later one": "insert into chaos.effects "
    "select at + interval '1 hour', key, job_id, 0, pid, 'done' from chaos.effects "
    "where step = 'started' union all select at, key, job_id, 0, pid, 'started' from chaos.effects "
    "where step = 'started'",
    "inv27: a step in a fork": "update chaos.effects set pid = 2 where step = 'done'",
    "inv27: the result of a fork": "update pgqueue.jobs set result = '2'",
    "inv27: the error of a fork": "update pgqueue.attempts "
    "set error_message = 'ValueError: in a fork'",
    "inv27: the log line of a fork": "update pgqueue.logs set message = 'in a fork'",
    "inv27: the progress of a fork": "update pgqueue.jobs set progress_message = 'in a fork'",
    "inv28: a process outlives its worker": "update chaos.outlived set seconds = 6",
    "inv29: a process works beside the next attempt": "with lost as (delete from chaos.effects "
    "where step = 'ValueError') insert into chaos.programs "
    "select at + interval '1 second', job_id, 1, 7, 'program', 'works' from chaos.effects "
    "where attempt = 2 and step = 'started'",
}


@pytest.fixture
def history(database_url: str, tmp_path: Path) -> Iterator["psycopg.Connection[Any]"]:
    """A database with a valid history, and its ledger in tables."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set search_path = public")
        ledger_tables.prepare(connection)
        with History(database_url, tmp_path) as writer:
            writer.run()
        ledger_tables.collect(connection, tmp_path)
        yield connection


@pytest.mark.own_session
def test_a_valid_history_has_no_violation(history: "psycopg.Connection[Any]") -> None:
    assert {} == _broken(history)


@pytest.mark.own_session
def test_each_planted_violation_is_found(history: "psycopg.Connection[Any]") -> None:
    undetected = []
    for planted, statement in PLANTED.items():
        with history.transaction(force_rollback=True):
            history.execute(statement.encode())
            if planted.partition(":")[0] not in _broken(history):
                undetected.append(planted)

    assert [] == undetected


def test_every_invariant_is_proven_by_a_planted_violation() -> None:
    assert {invariant.name for invariant in invariants.load()} == {
        planted.partition(":")[0] for planted in PLANTED
    }


def _broken(connection: "psycopg.Connection[Any]") -> dict[str, Any]:
    violations = {invariant.name: invariant.broken(connection) for invariant in invariants.load()}
    return {name: rows for name, rows in violations.items() if rows}


class History:
    """A worker that ran a few jobs; each link has the name of its part of the worker."""

    def __init__(self, url: str, folder: Path) -> None:
        self.database = Database(url)
        self.client = Client(url)
        self.sends = Ledger(folder / "sends.jsonl")
        self.effects = Ledger(folder / "effects.jsonl")
        self.programs = Ledger(folder / "programs.jsonl")
        self.outlived = Ledger(folder / "outlived.jsonl")
        self.links: list[Link] = []

    def __enter__(self) -> "History":
        self.supervisor = self.link("leases")
        self.worker_id = registering.worker(self.supervisor)
        run(self.supervisor, workers.set_pid(self.worker_id, _PID))
        self.fetcher = self.link(f"fetcher {self.worker_id}")
        self.finisher = self.link(f"finisher {self.worker_id}")
        return self

    def __exit__(self, *_: object) -> None:
        run(self.supervisor, workers.end_workers([self.worker_id], "stopped", "asked to stop"))
        for ledger in (self.sends, self.effects, self.programs, self.outlived):
            ledger.close()
        for link in self.links:
            link.close()
        self.client.close()

    def link(self, part: str) -> Link:
        self.links.append(self.database.open(f"pgqueue {part}"))
        return self.links[-1]

    def run(self) -> None:
        self.send("plain", light.plain)
        self.succeed(self.claim())
        self.send("flaky", light.flaky)
        failed = self.claim()
        self.fail(failed)
        self.succeed(self.claim())
        self.leave_program(failed)
        self.send("forking", light.forking)
        self.succeed(self.claim(), result=str(_PID))
        self.send("cautious", light.cautious)
        self.succeed(self.claim())
        self.send("fleeting", light.fleeting)
        self.succeed(self.claim())
        self.send("punctual", light.punctual, is_scheduled=True)
        self.succeed(self.claim())
        self.send("paying", light.paying)
        self.pay(self.claim())
        self.send("made", light.plain, outcome="unknown")
        self.succeed(self.claim())
        self.send("cancelled", coroutines.waiting)
        self.client.cancel(tags=["cancel me"])
        self.record("not made", light.plain, "unknown")
        self.record("rolled back", light.plain, "rolled_back")

    def send(
        self, key: str, task: Any, *, outcome: str = "committed", is_scheduled: bool = False
    ) -> None:
        with psycopg.connect(self.database.url) as connection:
            connection.execute("insert into chaos.orders (key) values (%s)", (key,))
            call = task.using(connection=connection, tags=["cancel me"])
            job = call.enqueue(key=key)
        self.record(key, task, outcome, job.run_at.isoformat() if is_scheduled else None)

    def record(self, key: str, task: Any, outcome: str, due_at: str | None = None) -> None:
        line = {"key": key, "task": task.name, "outcome": outcome, "due_at": due_at}
        self.sends.append(line)

    def claim(self) -> ClaimedAttempt:
        (claimed,) = run(
            self.fetcher,
            claiming.claim(
                worker_id=self.worker_id,
                executor="greenlet",
                queues=["default"],
                unknown_tasks=[],
                jobs_max=1,
                slots_free=1,
            ),
        )
        self.effect(claimed, "started")
        return claimed

    def succeed(self, claimed: ClaimedAttempt, **details: Any) -> None:
        token = (claimed.id, claimed.attempt, claimed.worker_id)
        line = NewLogLine(*token, 0.0, "INFO", "shop", "message", 1)
        run(self.finisher, logs.add_log_lines([line]))
        self.effect(claimed, "done")
        self.settle(self.finisher, claimed, Outcome.SUCCEEDED, **details)

    def fail(self, claimed: ClaimedAttempt) -> None:
        self.effect(claimed, "ValueError")
        self.settle(self.finisher, claimed, Outcome.FAILED, delay_seconds=0.0)

    def leave_program(self, claimed: ClaimedAttempt) -> None:
        """The program of an attempt goes on after its end, and for a moment after its worker."""
        line = {"job_id": claimed.id, "attempt": claimed.attempt, "pid": 7}
        self.programs.append({**line, "way": "program", "step": "works"})
        outlived = {"worker_pid": _PID, "pid": 7, "seconds": 0.2, "command": "sleep"}
        self.outlived.append(outlived)

    def pay(self, claimed: ClaimedAttempt) -> None:
        with psycopg.connect(self.database.url) as connection:
            connection.execute(
                "insert into chaos.payments (key, job_id, attempt) values ('paying', %s, %s)",
                (claimed.id, claimed.attempt),
            )
            self.settle(Link(connection, self.database.schema), claimed, Outcome.SUCCEEDED)
        self.effect(claimed, "done")

    def settle(self, link: Link, claimed: ClaimedAttempt, outcome: Outcome, **details: Any) -> None:
        settlement = Settlement(
            claimed.id, claimed.attempt, claimed.worker_id, outcome, waited_seconds=0.0, **details
        )
        assert run(link, settlements.settle([settlement]))

    def effect(self, claimed: ClaimedAttempt, step: str) -> None:
        key = light.plain.payload.decode(claimed.args)["key"]
        token = {"job_id": claimed.id, "attempt": claimed.attempt}
        self.effects.append({"key": key, **token, "pid": _PID, "step": step})
