"""The frame of maintenance: what is due runs, and what fails stays due."""

import psycopg
import pytest
from now import Now

from pgqueue.maintenance import expiry
from pgqueue.maintenance.service import Maintenance, Service
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link


def test_a_service_runs_when_it_is_due_and_again_when_asked_for(database_url: str) -> None:
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
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = Now(monkeypatch)
    has_more = True

    def work(link: Link) -> bool:
        now.seconds += 10.0
        return has_more

    maintenance = Maintenance(Database(database_url), [Service("work", 60.0, work, share=0.25)])
    pauses = []
    for round_ in range(12):
        has_more = round_ != 9
        pauses.append(maintenance.run_once())
        now.seconds += pauses[-1]
    maintenance.close()

    # Its rounds began 0, 40, 80 … 320 seconds after the first.
    assert [30.0] * 8 + [0.0, 50.0, 30.0, 30.0] == pauses


def test_only_pruning_can_wait() -> None:
    shares = {service.name: service.share for service in expiry.services()}

    assert 0.25 == shares.pop("prune")
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
    told = [each.__dict__ for each in caplog.records if each.message.startswith("service failed")]
    assert [("fails", n + 1) for n in range(runs.count("fails"))] == [
        (each["service"], each["failures"]) for each in told
    ]
    maintenance.close()


def test_a_service_that_has_a_fault_is_told_with_its_traceback(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    maintenance = Maintenance(Database(database_url), [Service("wrong", 1.0, lambda link: 1 // 0)])

    maintenance.run_once()

    assert [ZeroDivisionError] == [each.exc_info[0] for each in caplog.records if each.exc_info]
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
