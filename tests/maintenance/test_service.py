"""The frame of maintenance: what is due runs, and what fails stays due."""

import pytest

from pgqueue.maintenance.service import Maintenance, Service
from pgqueue.store.connect import Database, Link


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


def test_a_service_that_fails_stays_due_and_lets_the_others_go_first(database_url: str) -> None:
    runs: list[str] = []

    def fail(link: Link) -> bool:
        runs.append("fails")
        raise ZeroDivisionError

    works = Service("works", 3600.0, lambda link: bool(runs.append("works")))
    maintenance = Maintenance(Database(database_url), [Service("fails", 3600.0, fail), works])

    with pytest.raises(ZeroDivisionError):
        maintenance.run_once()
    with pytest.raises(ZeroDivisionError):
        maintenance.run_once()

    assert ["fails", "works", "fails"] == runs
    maintenance.close()
