"""The jobs of workers that ended are rescued, and rows alone decide how."""

from typing import Any

import claiming
import pytest
import registering

from pgqueue import Client, Job, events, listen
from pgqueue.maintenance import rescue
from pgqueue.maintenance.lease_expiry import end_expired
from pgqueue.store import claims, workers
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run


def _worker(link: Link, lease_seconds: float = 30.0, *, quarantine: bool = False) -> int:
    return registering.worker(
        link,
        supervisor_id=registering.supervisor(link),
        slots=5,
        quarantine=quarantine,
        lease_seconds=lease_seconds,
    )


def _claim(link: Link, worker_id: int) -> list[claims.ClaimedAttempt]:
    return run(
        link,
        claiming.claim(
            worker_id=worker_id,
            executor="greenlet",
            queues=["default"],
            unknown_tasks=[],
            jobs_max=5,
            slots_free=5,
        ),
    )


@pytest.mark.parametrize(
    ("reason", "outcome", "status"),
    [
        ("died", "lost", "queued"),
        ("stopped", "interrupted", "queued"),
        ("finished", "lost", "queued"),
    ],
)
def test_the_end_of_a_worker_decides_the_outcome_of_its_attempts(
    client: Client, link: Link, reason: str, outcome: str, status: str
) -> None:
    job = client.enqueue("shop.work")
    worker_id = _worker(link)
    _claim(link, worker_id)

    run(link, workers.end_workers([worker_id], reason, "as the test says"))
    rescue.rescue(link)

    assert status == client.job(job.id).status
    assert [outcome] == [attempt.outcome for attempt in client.attempts(job.id)]


def test_the_overdue_job_timed_out_and_its_neighbour_was_interrupted(
    client: Client, link: Link
) -> None:
    late = client.enqueue("shop.work", timeout=0.001)
    neighbour = client.enqueue("shop.work", timeout=60)
    worker_id = _worker(link)
    _claim(link, worker_id)
    link.fetch("select pg_sleep(0.01)", {})

    run(link, workers.end_workers([worker_id], "overdue", "killed", overdue_job_id=late.id))
    rescue.rescue(link)

    assert ["timed_out"] == [attempt.outcome for attempt in client.attempts(late.id)]
    assert ["interrupted"] == [attempt.outcome for attempt in client.attempts(neighbour.id)]
    assert (1, 0) == (client.job(late.id).failure_count, client.job(neighbour.id).failure_count)


def test_the_third_loss_in_a_row_ends_a_job_with_its_cause(client: Client, link: Link) -> None:
    job = client.enqueue("shop.work")

    for losses in range(3):
        worker_id = _worker(link, quarantine=losses == 2)
        _claim(link, worker_id)
        run(link, workers.end_workers([worker_id], "died", "process 7 was ended by signal 9"))
        rescue.rescue(link)

    done = client.job(job.id)
    assert ("failed", 3, 3, 0) == (
        done.status,
        done.attempt,
        done.lost_count,
        done.failure_count,
    )
    assert "signal 9" in (done.error or "")


def test_a_job_whose_workers_row_is_gone_is_rescued(client: Client, link: Link) -> None:
    job = client.enqueue("shop.work")
    worker_id = _worker(link)
    _claim(link, worker_id)
    link.raw.execute("delete from pgqueue.workers")

    rescue.rescue(link)

    assert ("queued", 1) == (client.job(job.id).status, client.job(job.id).lost_count)


def test_the_jobs_of_a_live_worker_are_left_alone(client: Client, link: Link) -> None:
    job = client.enqueue("shop.work")
    _claim(link, _worker(link))

    end_expired(link, 30.0)
    rescue.rescue(link)

    assert "running" == client.job(job.id).status


def _orphan(client: Client, link: Link, job_count: int) -> list[Job]:
    """New jobs that a worker had claimed when it died."""
    jobs = [client.enqueue("shop.work") for _ in range(job_count)]
    worker_id = _worker(link)
    _claim(link, worker_id)
    run(link, workers.end_workers([worker_id], "died", "as the test says"))
    return jobs


def test_a_job_that_another_worker_claimed_meanwhile_is_left_alone(
    client: Client, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = _orphan(client, link, 2)
    alive = _worker(link)
    claimed: list[claims.ClaimedAttempt] = []

    def run_slowly(link: Link, statement: Any) -> Any:
        # Between the read and the settlement, a faster rescue and a live worker do their work.
        orphaned = run(link, statement)
        monkeypatch.setattr(rescue, "run", run)
        rescue.rescue(link)
        claimed.extend(_claim(link, alive))
        return orphaned

    monkeypatch.setattr(rescue, "run", run_slowly)
    rescue.rescue(link)

    assert [(job.id, 2) for job in jobs] == [(attempt.id, attempt.attempt) for attempt in claimed]
    assert {("running", alive)} == {
        (job.status, job.worker_id) for job in map(client.job, [job.id for job in jobs])
    }
    assert [1, 1] == [len(client.attempts(job.id)) for job in jobs]


def test_a_job_that_cannot_be_settled_keeps_no_other_from_its_rescue(
    client: Client, link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = _orphan(client, link, 5)
    link.raw.execute(
        "alter table pgqueue.jobs add constraint ours"
        f" check (id <> {jobs[2].id} or status <> 'queued') not valid"
    )

    rescue.rescue(link)

    assert ["queued", "queued", "running", "queued", "queued"] == [
        client.job(job.id).status for job in jobs
    ]
    assert [("settlement refused", jobs[2].id)] == [
        (record.message, vars(record)["job_id"])
        for record in caplog.records
        if record.levelname == "ERROR"
    ]

    link.raw.execute("alter table pgqueue.jobs drop constraint ours")
    rescue.rescue(link)
    assert "queued" == client.job(jobs[2].id).status


def test_more_jobs_than_one_statement_settles_are_rescued(
    client: Client, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = _orphan(client, link, 5)

    monkeypatch.setattr(rescue, "SETTLEMENTS_MAX", 2)
    rescue.rescue(link)

    assert {"queued"} == {client.job(job.id).status for job in jobs}


def test_a_rescue_emits_the_events_of_the_attempt_and_of_the_rescue(
    client: Client, link: Link
) -> None:
    received: list[events.Event] = []
    stop = listen("job.*", received.append)
    [job] = _orphan(client, link, 1)

    rescue.rescue(link)
    stop()

    lost, rescued = received[-2:]
    assert isinstance(lost, events.JobLost) and isinstance(rescued, events.JobRescued)
    assert ("shop.work", "default", "queued") == (lost.task, lost.queue, lost.status)
    assert [(job.id, 1, "lost"), (job.id, 1, "lost")] == [
        (event.job_id, event.attempt, event.outcome) for event in (lost, rescued)
    ]
