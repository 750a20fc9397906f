"""A narrow line between a worker and its database costs time, and neither lines nor leases."""

from collections.abc import Iterator

import pytest
from chaos.proxy import Mode
from chaos.server import Server
from proxied_fleet import ProxiedFleet, running_fleet
from worker.harness import FinisherHarness

from pgqueue.client.client import Client
from pgqueue.core.events.event import listen
from pgqueue.core.events.jobs import OutputDropped
from pgqueue.core.lifecycle import Outcome
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.session import OwnConnection

_LINE = "x" * 16_000


@pytest.fixture
def narrow_fleet(server: Server) -> Iterator[ProxiedFleet]:
    """A fleet without supervisors."""
    with running_fleet(server) as fleet:
        yield fleet


@pytest.fixture
def harness(narrow_fleet: ProxiedFleet, monkeypatch: pytest.MonkeyPatch) -> Iterator["_Narrow"]:
    """A finisher on a narrow line, which waits a second for an answer."""
    monkeypatch.setattr(OwnConnection, "answer_seconds_max", 1.0)
    link = Database(narrow_fleet.url).open()
    opened = FinisherHarness(narrow_fleet.url_through, link, narrow_fleet.client)
    narrow_fleet.proxy.bytes_per_second = 4_000_000
    narrow_fleet.proxy.set(Mode.NARROW)
    yield _Narrow(opened, narrow_fleet.client)
    opened.finisher.close()
    link.close()


class _Narrow:
    """A finisher and its three attempts."""

    def __init__(self, harness: FinisherHarness, client: Client) -> None:
        self.finisher = harness
        self.client = client

    def log(self, number: int, line_count: int, text: str = _LINE) -> None:
        """Log large lines in an attempt."""
        for line in range(1, line_count + 1):
            self.finisher.log(self.finisher.attempts[number], text, line)

    def line_counts(self) -> list[int]:
        """The written lines of each attempt."""
        return [len(self.client.logs(job_id, limit=2000)) for job_id in self.finisher.ids]

    def statuses(self) -> list[str]:
        """The status of each job."""
        return [str(self.client.job(job_id).status) for job_id in self.finisher.ids]


@pytest.mark.parametrize(("text", "count"), [(_LINE, 500), ("é" * 8_000, 170)])
def test_large_lines_are_written_in_statements_that_the_line_carries(
    harness: _Narrow, text: str, count: int
) -> None:
    dropped: list[OutputDropped] = []
    stop_listening = listen(OutputDropped, dropped.append)
    harness.log(0, count, text)

    while harness.finisher.finisher.output.has_lines:
        harness.finisher.turn()
    stop_listening()

    assert [count, 0, 0] == harness.line_counts()
    assert [] == dropped


def test_no_settlement_waits_for_the_lines_of_others(harness: _Narrow) -> None:
    harness.log(0, 300)
    harness.log(1, 1)
    harness.finisher.end(harness.finisher.attempts[1])
    harness.finisher.end(harness.finisher.attempts[2])

    after = []
    for _ in range(2):
        harness.finisher.turn()
        after.append((harness.statuses(), harness.line_counts()[1]))

    assert [
        (["running", "running", "succeeded"], 0),
        (["running", "succeeded", "succeeded"], 1),
    ] == after
    assert harness.finisher.finisher.output.has_lines


def test_lines_of_an_attempt_are_written_before_its_settlement(harness: _Narrow) -> None:
    for number in range(2):
        harness.log(number, 150)
    harness.finisher.settle(harness.finisher.attempts[:2], Outcome.SUCCEEDED)

    while not harness.finisher.finisher.is_idle:
        harness.finisher.turn()

    assert [150, 150, 0] == harness.line_counts()
    assert ["succeeded", "succeeded", "running"] == harness.statuses()


def test_the_last_turn_writes_all_lines_and_settles_all_attempts(harness: _Narrow) -> None:
    for number in range(3):
        harness.log(number, 100)
        harness.finisher.end(harness.finisher.attempts[number])

    harness.finisher.finisher.stop()
    harness.finisher.turn()

    assert [100] * 3 == harness.line_counts()
    assert ["succeeded"] * 3 == harness.statuses()


def test_large_results_and_lines_arrive_over_ten_megabits_a_second(
    narrow_fleet: ProxiedFleet,
) -> None:
    fleet = narrow_fleet
    fleet.start("default", PGQUEUE_LEASE_SECONDS="5", PGQUEUE_HEARTBEAT_SECONDS="1")
    fleet.until_recorded()
    fleet.proxy.set(Mode.NARROW)

    jobs = [fleet.enqueue(f"k{n}", "depot.tasks.bulky", args={"size": 700_000}) for n in range(10)]
    fleet.until_final(*jobs)

    jobs = [job.refresh() for job in jobs]
    assert [(1, 0)] * 10 == [(job.attempt, job.lost_count) for job in jobs]
    assert [700_000] * 10 == [len(str(job.result)) for job in jobs]
    assert [50] * 10 == [len(fleet.client.logs(job.id)) for job in jobs]
    assert [(0,)] == fleet.rows("select count(*) from pgqueue.workers where stopped_at is not null")
