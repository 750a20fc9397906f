"""Django's connections begin and end with each job, as they do with each request."""

from collections.abc import Callable
from typing import Any

import pytest

from pgqueue import Client

KINDS = ("in_greenlet", "in_coroutine", "in_process")
END_SESSIONS = (
    "select count(pg_terminate_backend(pid)) from pg_stat_activity "
    "where datname = current_database() and application_name like 'shop %%'"
)
NO_SESSION = (
    "select count(*) = 0 from pg_stat_activity "
    "where datname = current_database() and application_name = 'shop default'"
)

Ends = dict[str, tuple[str, Any]]


@pytest.fixture
def run_all(
    client: Client, fleet: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Ends, Any]]:
    """Run a job in each kind of worker, one slot each; their statuses and results."""
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.django_tasks")
    workers = fleet("--greenlets", "1", "--coroutines", "1", "--processes", "1")

    def run(alias: str, prefix: str = "") -> tuple[Ends, Any]:
        jobs = {
            kind: client.enqueue(f"shop.django_tasks.{prefix}{kind}", {"alias": alias})
            for kind in KINDS
        }
        for job in jobs.values():
            workers.until(lambda job=job: client.job(job.id).finished_at is not None, "ended")
        rows = {kind: client.job(job.id) for kind, job in jobs.items()}
        return {kind: (str(row.status), row.result) for kind, row in rows.items()}, workers

    return run


def test_a_job_finds_no_connection_that_the_database_has_ended(run_all: Any) -> None:
    good = dict.fromkeys(KINDS, ("succeeded", [False, 1]))

    for alias in ("default", "kept", "unchecked"):
        ends, workers = run_all(alias)
        assert good == ends
    workers.until_query(NO_SESSION)  # its greatest age is 0 seconds
    [(ended_count,)] = workers.rows(END_SESSIONS)
    assert 6 == ended_count

    assert good == run_all("default")[0]
    assert good == run_all("kept")[0]
    # Without Django's health checks, one job finds out.
    assert dict.fromkeys(KINDS, ("failed", None)) == run_all("unchecked")[0]
    assert good == run_all("unchecked")[0]


def test_a_job_finds_no_transaction_that_another_job_left_open(run_all: Any) -> None:
    assert dict.fromkeys(KINDS, ("succeeded", None)) == run_all("kept", "leaves_")[0]

    assert dict.fromkeys(KINDS, ("succeeded", [False, 1])) == run_all("kept")[0]
