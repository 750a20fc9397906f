"""The frame of maintenance: a service that is due runs, and one that fails is tried again."""

import psycopg
import pytest
from manual_clock import ManualClock

from pgqueue.maintenance import expiry
from pgqueue.maintenance.service import Maintenance, Service
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link


def test_a_service_runs_when_it_is_due_and_again_when_it_is_requested(database_url: str) -> None:
    runs: list[str] = []
    service = Service("count", 3600.0, lambda link: bool(runs.append("ran")))
    maintenance = Maintenance(Database(database_url), [service])

    maintenance.run_once()
    maintenance.run_once()
    maintenance.ask_for("count")
    maintenance.run_once()

    assert ["ran", "ran"] == runs
    maintenance.close()


def test_a_service_with_more_to_do_takes_its_share_of_the_time(database_url: str) -> None:
    def work(link: Link) -> bool:
        link.raw.execute("select pg_sleep(0.05)")
        return True

    pauses = [
        _once(database_url, Service("work", 3600.0, work)),
        _once(database_url, Service("work", 3600.0, work, share=0.25)),
        _once(database_url, Service("work", 0.1, work, share=0.25)),
    ]

    assert 0.0 == pauses[0]
    assert 0.14 <= pauses[1] < 3600
    assert 0.14 <= pauses[2] < 3600


def test_a_service_that_cannot_keep_up_takes_all_of_the_time_until_it_has(
    database_url: str,
) -> None:
    clock = ManualClock()
    has_more = True

    def work(link: Link) -> bool:
        clock.advance(10.0)
        return has_more

    service = Service("work", 60.0, work, share=0.25)
    maintenance = Maintenance(Database(database_url), [service], clock=clock)
    pauses = []
    for turn in range(12):
        has_more = turn != 9
        pauses.append(maintenance.run_once())
        clock.advance(pauses[-1])
    maintenance.close()

    # Its runs started 0, 40, 80 … 320 seconds after the first.
    assert [30.0] * 8 + [0.0, 50.0, 30.0, 30.0] == pauses


def test_only_the_deletion_of_rows_can_wait() -> None:
    shares = {service.name: service.share for service in expiry.services()}

    assert (0.25, 0.25) == (shares.pop("prune"), shares.pop("surplus"))
    assert {1.0} == {*shares.values()}


def _once(url: str, service: Service) -> float:
    maintenance = Maintenance(Database(url), [service])
    pause = maintenance.run_once()
    maintenance.close()
    return pause


@pytest.mark.parametrize(
    "text",
    [
        "select 1 / 0",
        "begin; select 1 / 0",
        "set local statement_timeout = 1; select pg_sleep(60)",
        "select missing",
    ],
)
def test_a_service_that_fails_waits_by_itself_and_the_others_keep_their_times(
    database_url: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    runs: list[str] = []

    def fail(link: Link) -> bool:
        runs.append("fails")
        link.raw.execute(text.encode())
        return False

    works = Service("works", 0.0, lambda link: bool(runs.append("works")))
    maintenance = Maintenance(Database(database_url), [Service("fails", 0.0, fail), works])

    for _ in range(6):
        maintenance.run_once()

    assert 5 <= runs.count("works") <= 6
    assert 1 <= runs.count("fails") < 6
    lines = [vars(record) for record in caplog.records if record.message == "service failed"]
    assert [("fails", n + 1) for n in range(runs.count("fails"))] == [
        (line["service"], line["failures"]) for line in lines
    ]
    assert {"WARNING"} == {line["levelname"] for line in lines}
    maintenance.close()


def test_a_service_that_has_a_bug_is_logged_with_its_traceback(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    maintenance = Maintenance(Database(database_url), [Service("wrong", 1.0, lambda link: 1 // 0)])

    maintenance.run_once()

    assert [ZeroDivisionError] == [
        record.exc_info[0] for record in caplog.records if record.exc_info
    ]
    maintenance.close()


def test_a_service_whose_connection_broke_stays_due_behind_the_others(database_url: str) -> None:
    runs: list[str] = []

    def fail(link: Link) -> bool:
        runs.append("fails")
        link.raw.execute("select pg_terminate_backend(pg_backend_pid())")
        return False

    works = Service("works", 3600.0, lambda link: bool(runs.append("works")))
    maintenance = Maintenance(Database(database_url), [Service("fails", 3600.0, fail), works])

    for _ in range(2):
        with pytest.raises(psycopg.OperationalError):
            maintenance.run_once()

    assert ["fails", "works", "fails"] == runs
    maintenance.close()
