"""Workers and producers whose clocks are wrong: only PostgreSQL's clock decides."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from wrong_clock import WrongClock

from pgqueue import Client, Job, Retry
from pgqueue.store.connection.link import Link

HOUR = timedelta(hours=1)

# What a busy machine may add, far from an hour.
SLACK = timedelta(seconds=15)

NAP = "shop.clock_tasks.nap"
FAIL = "shop.clock_tasks.fail"
LEASE_SECONDS = 4.0
SETTINGS = {
    "PGQUEUE_TASKS": "shop.clock_tasks",
    "PGQUEUE_LEASE_SECONDS": str(LEASE_SECONDS),
    "PGQUEUE_HEARTBEAT_SECONDS": "1",
}

OFF = {"ahead": "+1h", "behind": "-1h", "leaping": "+0s"}


class Clockwork:
    """A supervisor for each wrong clock, on a queue of the clock's name."""

    def __init__(self, fleet: Callable[..., Any], clocks: Mapping[str, WrongClock]) -> None:
        self.clocks = clocks
        self.workers = {
            name: fleet(name, "--processes", "1", **SETTINGS, **clock.environment)
            for name, clock in clocks.items()
        }

    def until_ready(self) -> None:
        """Wait until every supervisor has a worker."""
        for name, workers in self.workers.items():
            workers.until_query(
                f"select count(*) > 0 from pgqueue.workers where '{name}' = any(queues)"
            )

    def leap(self) -> None:
        """Set the third clock back while jobs run."""
        self.clocks["leaping"].set("-1h")

    def finished(self, client: Client, jobs: Mapping[str, Job]) -> dict[str, Job]:
        """The jobs, by the clock of their worker, when all have ended."""
        for name, job in jobs.items():
            self.workers[name].until(
                lambda job=job: client.job(job.id).finished_at is not None, f"{name} finished"
            )
        return {name: client.job(job.id) for name, job in jobs.items()}


@pytest.fixture
def clockwork(fleet: Callable[..., Any], tmp_path: Path) -> Iterator[Clockwork]:
    """Supervisors an hour ahead, an hour behind, and one that leaps."""
    clocks = {name: WrongClock(tmp_path / name, offset) for name, offset in OFF.items()}
    started = Clockwork(fleet, clocks)
    started.until_ready()
    yield started
    for workers in started.workers.values():
        workers.signal(signal.SIGTERM)  # all at once; `fleet` then waits for one after the other


def test_a_worker_of_these_tests_does_see_a_wrong_clock(
    client: Client, clockwork: Clockwork
) -> None:
    def run_in_each() -> dict[str, Job]:
        sent = {name: client.enqueue("shop.clock_tasks.tell_time", queue=name) for name in OFF}
        return clockwork.finished(client, sent)

    before = run_in_each()
    clockwork.leap()
    after = run_in_each()

    assert [1, -1, 0] == [_hours_off(before[name]) for name in OFF]
    assert -1 == _hours_off(after["leaping"])


def test_a_scheduled_job_starts_neither_early_nor_late(
    client: Client, clockwork: Clockwork
) -> None:
    sent = {name: client.enqueue(NAP, {"seconds": 0}, queue=name, run_after=3) for name in OFF}
    clockwork.leap()

    done = clockwork.finished(client, sent)

    for name, job in done.items():
        assert timedelta(0) <= job.attempts()[0].started_at - job.run_at < SLACK, name


def test_a_timeout_is_neither_early_nor_late(client: Client, clockwork: Clockwork) -> None:
    napping = {name: client.enqueue(NAP, {"seconds": 2}, queue=name, timeout=60) for name in OFF}
    sleepy = {name: client.enqueue(NAP, {"seconds": 90}, queue=name, timeout=4) for name in OFF}
    for job in sleepy.values():
        clockwork.workers["leaping"].until(
            lambda job=job: client.job(job.id).status == "running", "running"
        )
    clockwork.leap()

    rested = clockwork.finished(client, napping)
    late = clockwork.finished(client, sleepy)

    assert {"succeeded"} == {job.status for job in rested.values()}
    for name, job in late.items():
        [attempt] = job.attempts()
        assert "timed_out" == attempt.outcome, name
        assert timedelta(seconds=4) <= attempt.finished_at - attempt.started_at < SLACK, name


def test_a_retry_waits_as_long_as_it_was_told(client: Client, clockwork: Clockwork) -> None:
    retry = Retry(max_attempts=2, base=3, jitter=False)
    sent = {name: client.enqueue(FAIL, queue=name, retry=retry) for name in OFF}
    clockwork.leap()

    done = clockwork.finished(client, sent)

    for name, job in done.items():
        first, second = job.attempts()
        assert timedelta(seconds=3) <= second.started_at - first.finished_at < SLACK, name


def test_no_lease_is_taken_from_a_worker_whose_clock_is_wrong(
    client: Client, clockwork: Clockwork, link: Link
) -> None:
    seconds = 2 * LEASE_SECONDS
    sent = {name: client.enqueue(NAP, {"seconds": seconds}, queue=name) for name in OFF}
    for job in sent.values():
        clockwork.workers["leaping"].until(
            lambda job=job: client.job(job.id).status == "running", "running"
        )
    clockwork.leap()

    done = clockwork.finished(client, sent)

    assert {"succeeded"} == {job.status for job in done.values()}
    assert {1} == {job.attempt for job in done.values()}
    stopped = link.fetch("select * from pgqueue.workers where stopped_at is not null", {})
    assert [] == stopped


def test_a_lease_ends_on_time_though_others_see_to_its_end(
    client: Client, clockwork: Clockwork, link: Link
) -> None:
    dying = clockwork.workers["leaping"]
    job = client.enqueue(NAP, {"seconds": 50}, queue="leaping")
    dying.until(lambda: client.job(job.id).status == "running", "running")
    clockwork.leap()

    [(worker_id, pid)] = link.fetch(
        "select worker_id, pid from pgqueue.running_jobs where pid is not null", {}
    )
    dying.signal(signal.SIGSTOP)  # it shall not see its child end
    os.kill(pid, signal.SIGKILL)
    dying.signal(signal.SIGKILL)
    dying.until(lambda: client.job(job.id).status == "queued", "rescued")

    [(reason, late)] = link.fetch(
        "select stop_reason, stopped_at - lease_until from pgqueue.workers where id = %(id)s",
        {"id": worker_id},
    )
    assert "lease_expired" == reason
    assert timedelta(0) <= late < SLACK
    assert ["lost"] == [attempt.outcome for attempt in client.attempts(job.id)]


def test_times_in_rows_are_postgresqls(client: Client, clockwork: Clockwork, link: Link) -> None:
    [(started,)] = link.fetch("select min(started_at) from pgqueue.workers", {})
    sent = {
        name: client.enqueue("shop.clock_tasks.log_for", {"seconds": 2}, queue=name) for name in OFF
    }
    for job in sent.values():
        clockwork.workers["leaping"].until(lambda job=job: bool(client.logs(job.id)), "logging")
    clockwork.leap()

    done = clockwork.finished(client, sent)

    [(ended,)] = link.fetch("select clock_timestamp()", {})
    assert ended - started < HOUR / 2
    for job in done.values():
        [attempt] = job.attempts()
        lines = [line.logged_at for line in job.logs()]
        moments = [job.created_at, attempt.started_at, *lines, attempt.finished_at, ended]
        assert len(lines) >= 3
        assert sorted(moments) == moments
    for worker in client.workers.list():
        assert started <= worker.started_at <= worker.last_seen_at <= ended
        lease = worker.lease_until - worker.last_seen_at
        assert abs(lease - timedelta(seconds=LEASE_SECONDS)) < SLACK


def test_a_clock_that_races_changes_nothing(
    client: Client, fleet: Callable[..., Any], tmp_path: Path
) -> None:
    clock = WrongClock(tmp_path / "racing", "+0s")
    workers = fleet(**SETTINGS, **clock.environment)
    retry = Retry(max_attempts=2, base=3, jitter=False)
    long = client.enqueue(NAP, {"seconds": 2 * LEASE_SECONDS}, timeout=60)
    later = client.enqueue(FAIL, run_after=3, retry=retry)
    late = client.enqueue(NAP, {"seconds": 90}, timeout=4)
    off = 0.0

    def all_ended() -> bool:
        nonlocal off
        off += 9.0
        clock.set(f"+{off:.0f}s")
        return all(client.job(job.id).finished_at for job in (long, later, late))

    workers.until(all_ended, "all ended")

    assert off > 600
    assert ("succeeded", 1) == (client.job(long.id).status, client.job(long.id).attempt)
    first, second = client.attempts(later.id)
    assert timedelta(0) <= first.started_at - later.run_at < SLACK
    assert timedelta(seconds=3) <= second.started_at - first.finished_at < SLACK
    [attempt] = client.attempts(late.id)
    assert "timed_out" == attempt.outcome
    assert timedelta(seconds=4) <= attempt.finished_at - attempt.started_at < SLACK


PRODUCE = """
import sys, time
from datetime import datetime, timedelta
import pgqueue

@pgqueue.task(name="many")
def many(): ...

moment = datetime.fromisoformat(sys.argv[2])
waits = {"run_after": timedelta(seconds=60), "expires_after": timedelta(seconds=120)}
pgqueue.configure(url=sys.argv[1])
pgqueue.enqueue("one", **waits)
many.using(**waits).enqueue_many([{}])
pgqueue.enqueue("future", run_after=moment)
pgqueue.enqueue("past", run_after=moment - timedelta(days=1))
print(time.time())
"""


@pytest.mark.parametrize("offset", ["+1h", "-1h"])
def test_a_producers_clock_changes_no_moment(
    client: Client, database_url: str, link: Link, tmp_path: Path, offset: str
) -> None:
    moment = datetime.now(UTC) + timedelta(minutes=30)

    producer = subprocess.run(
        [sys.executable, "-c", PRODUCE, database_url, moment.isoformat()],
        env={**os.environ, **WrongClock(tmp_path / "clock", offset).environment},
        capture_output=True,
        text=True,
    )

    assert 0 == producer.returncode, producer.stderr
    assert HOUR - SLACK < abs(
        datetime.now(UTC) - datetime.fromtimestamp(float(producer.stdout), UTC)
    )
    jobs = {job.task: job for job in client.jobs()}
    [(now,)] = link.fetch("select clock_timestamp()", {})
    for job in jobs.values():
        assert now - SLACK <= job.created_at <= now
    for job in (jobs["one"], jobs["many"]):
        assert 60 == round((job.run_at - job.created_at).total_seconds())
        assert 120 == round((job.expires_at - job.created_at).total_seconds())
    future, past = jobs["future"], jobs["past"]
    assert (moment, "scheduled") == (future.run_at, future.status)
    assert (moment - timedelta(days=1), "queued") == (past.run_at, past.status)


def _hours_off(job: Job) -> int:
    """How far the clock of the worker was off when the job ran, in hours."""
    at = datetime.fromtimestamp(job.result, UTC)
    assert job.finished_at is not None
    return round((at - job.finished_at) / HOUR)
