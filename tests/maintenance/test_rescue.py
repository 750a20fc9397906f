"""What becomes of the jobs of workers that ended, decided from rows alone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pgqueue import Client
from pgqueue.maintenance import rescue
from pgqueue.maintenance.silence import give_up_silent
from pgqueue.store import attempts, processes
from pgqueue.store.connect import Database, Link
from pgqueue.store.statement import run


def _worker(link: Link, lease_seconds: float = 30.0, *, quarantine: bool = False) -> int:
    return run(
        link,
        processes.register_worker(
            supervisor_id=run(link, processes.next_supervisor()),
            executor="greenlet",
            slots=5,
            quarantine=quarantine,
            host="here",
            queues=["default"],
            lease_seconds=lease_seconds,
        ),
    )


def _claim(link: Link, worker_id: int) -> list[attempts.Claimed]:
    return run(
        link,
        attempts.claim(
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
def test_an_end_decides_what_happened_to_the_jobs(
    client: Client, link: Link, reason: str, outcome: str, status: str
) -> None:
    job = client.enqueue("shop.work")
    worker_id = _worker(link)
    _claim(link, worker_id)

    run(link, processes.bury([worker_id], reason, "as the test says"))
    rescue.rescue(link)

    assert status == client.job(job.id).status
    assert [outcome] == [each.outcome for each in client.attempts(job.id)]


def test_the_overdue_job_timed_out_and_its_neighbour_was_interrupted(
    client: Client, link: Link
) -> None:
    late = client.enqueue("shop.work", timeout=0.001)
    neighbour = client.enqueue("shop.work", timeout=60)
    worker_id = _worker(link)
    _claim(link, worker_id)
    link.fetch("select pg_sleep(0.01)", {})

    run(link, processes.bury([worker_id], "overdue", "killed", overdue_job_id=late.id))
    rescue.rescue(link)

    assert ["timed_out"] == [each.outcome for each in client.attempts(late.id)]
    assert ["interrupted"] == [each.outcome for each in client.attempts(neighbour.id)]
    assert (1, 0) == (client.job(late.id).failure_count, client.job(neighbour.id).failure_count)


def test_the_third_loss_in_a_row_ends_a_job_with_its_cause(client: Client, link: Link) -> None:
    job = client.enqueue("shop.work")

    for losses in range(3):
        worker_id = _worker(link, quarantine=losses == 2)
        _claim(link, worker_id)
        run(link, processes.bury([worker_id], "died", "process 7 was ended by signal 9"))
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


def test_a_live_workers_jobs_are_left_alone(client: Client, link: Link) -> None:
    job = client.enqueue("shop.work")
    _claim(link, _worker(link))

    give_up_silent(link)
    rescue.rescue(link)

    assert "running" == client.job(job.id).status


@pytest.fixture
def other_link(database_url: str) -> Iterator[Link]:
    link = Database(database_url).open()
    yield link
    link.close()


def test_a_job_that_was_claimed_anew_while_its_dead_worker_was_found_is_left_alone(
    client: Client, link: Link, other_link: Link
) -> None:
    jobs = [client.enqueue("shop.work") for _ in range(2)]
    dead, alive = _worker(link), _worker(link)
    _claim(link, dead)
    run(link, processes.bury([dead], "died", "as the test says"))
    # The rescue of somebody slower: it has found the jobs, and waits before it locks them.
    wait = "from found cross join (select pg_advisory_xact_lock(7)) as wait\njoin"
    slow = link.schema.render("stranded").replace("from found\njoin", wait)
    assert wait in slow

    with ThreadPoolExecutor(1) as pool:
        with link.transaction():
            link.raw.execute("select pg_advisory_xact_lock(7)")
            found = pool.submit(other_link.fetch, slow, {"jobs_max": 10})
            while not link.raw.execute("select 1 from pg_locks where not granted").fetchone():
                assert not found.done()
            rescue.rescue(link)
            claimed = _claim(link, alive)
        assert [] == found.result(timeout=10)

    assert [(job.id, 2) for job in jobs] == [(each.id, each.attempt) for each in claimed]
    assert {"running"} == {client.job(job.id).status for job in jobs}
