"""However a task behaves, its outcome is recorded truly, and no other job waits for it."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgqueue.client.client import Client


@pytest.fixture(autouse=True)
def _tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.tasks,shop.hard_tasks")


def _enqueue(client: Client, name: str, **args: Any) -> Any:
    return client.enqueue(f"shop.hard_tasks.{name}", args)


def test_progress_that_cannot_be_stored_as_it_is_delays_no_job(
    client: Client, fleet: Any, recorded: None
) -> None:
    odd = _enqueue(client, "odd_progress")
    others = [client.enqueue("shop.tasks.add", {"a": n}) for n in range(5)]
    workers = fleet()

    workers.until(lambda: client.job(odd.id).progress == 0.5, "progress")
    message = client.job(odd.id).progress_message or ""
    assert message.startswith("a\ufffdb\ufffdcx")
    assert message.endswith("…[cut]")
    for job in (*others, odd):
        workers.until(lambda job=job: client.job(job.id).status == "succeeded", "succeeded")


@pytest.mark.parametrize("name", ["fails_late", "fails_late_alone", "fails_late_in_a_coroutine"])
def test_an_error_that_meets_the_timeout_on_its_way_ends_its_attempt_and_nothing_else(
    client: Client, burst: Any, recorded: None, link: Any, name: str
) -> None:
    jobs = [_enqueue(client, name) for _ in range(3)]

    burst("--greenlets", "1", "--coroutines", "1", "--cpus", "1")

    for job in jobs:
        # Jobs that wait behind a long one are returned to the queue.
        *returned, attempt = client.job(job.id).attempts()
        assert {"NotStarted"} >= {before.error_type for before in returned}
        assert attempt.outcome in ("failed", "timed_out")
        assert attempt.error_type in ("TypeError", "JobTimeout")
    assert [] == link.fetch(
        "select stop_detail from pgqueue.workers where stop_reason not in ('stopped', 'finished')",
        {},
    )


@pytest.mark.parametrize(
    ("name", "error"),
    [("subclassed_retry", "RateLimited"), ("spiteful", "cannot be read")],
)
def test_an_error_that_breaks_its_reader_costs_no_slot(
    client: Client, burst: Any, recorded: None, name: str, error: str
) -> None:
    broken = [_enqueue(client, name) for _ in range(3)]
    good = client.enqueue("shop.tasks.add", {"a": 1})

    burst("--greenlets", "1")

    assert "succeeded" == client.job(good.id).status
    for job in broken:
        row = client.job(job.id)
        assert ("failed", 0) == (row.status, row.lost_count)
        assert error in (row.error or "")


@pytest.mark.parametrize("name", ["cleans_up_badly", "waits_in_a_group"])
def test_an_interruption_does_not_count_whatever_the_task_makes_of_it(
    client: Client, fleet: Any, recorded: None, name: str
) -> None:
    job = _enqueue(client, name)
    workers = fleet("--grace", "0")
    workers.until(lambda: client.job(job.id).status == "running", "running")
    workers.until(lambda: client.job(job.id).started_at is not None, "started")

    workers.signal(15)

    assert 0 == workers.wait()
    row = client.job(job.id)
    assert ("queued", 0, 0) == (row.status, row.failure_count, row.lost_count)


def test_a_cancelled_coroutine_cancels_the_children_of_its_group(
    client: Client, fleet: Any, recorded: None, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    job = _enqueue(client, "waits_for_its_group", path=str(ledger))
    workers = fleet()
    workers.until(lambda: ledger.exists() and ledger.read_text() == "lives", "the child lives")

    client.cancel(job.id)

    workers.until(lambda: client.job(job.id).status == "cancelled", "cancelled")
    assert "ended" == ledger.read_text()


def test_a_clean_up_is_not_interrupted_again(
    client: Client, fleet: Any, recorded: None, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    job = _enqueue(client, "cleans_up_slowly", path=str(ledger))
    workers = fleet("--burst", PGQUEUE_TIMEOUT_GRACE_SECONDS="10")
    workers.until(lambda: client.job(job.id).status == "running", "running")

    client.cancel(job.id)

    assert 0 == workers.wait()
    assert "cancelled" == client.job(job.id).status
    assert "0\n1\n2\n3\n" == ledger.read_text()


def test_lines_logged_before_a_completion_are_kept(
    client: Client, burst: Any, recorded: None, database_url: str
) -> None:
    job = _enqueue(client, "completes", url=database_url, lines=40, size=1, seconds=0)

    burst()

    done = client.job(job.id)
    assert ("succeeded", "x") == (done.status, done.result)
    assert 40 == len(done.logs())


def test_a_task_may_complete_itself_on_asyncio(
    client: Client, burst: Any, recorded: None, database_url: str
) -> None:
    job = _enqueue(client, "completes_on_asyncio", url=database_url)

    burst()

    done = client.job(job.id)
    assert ("succeeded", "together") == (done.status, done.result)


def test_a_result_too_large_is_refused_by_complete_as_well(
    client: Client, burst: Any, recorded: None, database_url: str
) -> None:
    job = _enqueue(client, "completes", url=database_url, lines=0, size=2_000_000, seconds=0)

    burst()

    assert "failed" == client.job(job.id).status
    assert "result_bytes_max" in (client.job(job.id).error or "")


def test_an_open_transaction_delays_its_own_job_only(
    client: Client, fleet: Any, recorded: None, database_url: str
) -> None:
    slow = _enqueue(client, "completes", url=database_url, lines=0, size=1, seconds=4)
    locked = client.enqueue("shop.tasks.nap", {"seconds": 1})
    workers = fleet()
    workers.until(lambda: client.job(locked.id).status == "running", "running")
    with psycopg.connect(database_url) as connection:
        connection.execute("select from pgqueue.jobs where id = %s for no key update", [locked.id])
        others = [client.enqueue("shop.tasks.add", {"a": n}) for n in range(5)]
        for job in others:
            workers.until(lambda job=job: client.job(job.id).status == "succeeded", "succeeded")
        assert {"running"} == {client.job(job.id).status for job in (slow, locked)}

    for job in (slow, locked):
        workers.until(lambda job=job: client.job(job.id).status == "succeeded", "succeeded")
    assert [1, 1] == [client.job(job.id).attempt for job in (slow, locked)]


def test_short_at_most_once_jobs_do_not_wait_for_a_poll(
    client: Client, burst: Any, recorded: None, link: Any
) -> None:
    for n in range(60):
        _enqueue(client, "once", n=n)

    burst()

    ((seconds,),) = link.fetch(
        "select extract(epoch from max(finished_at) - min(started_at))::float8 "
        "from pgqueue.jobs where task = 'shop.hard_tasks.once'",
        {},
    )
    assert 60 == client.count(status="succeeded")
    assert seconds < 60 * 0.05


def test_a_job_of_an_executor_that_no_task_has_is_sent_to_the_right_one(
    client: Client, burst: Any, link: Any, recorded: None
) -> None:
    link.raw.execute(
        "insert into pgqueue.jobs (task, executor, args) values "
        "('shop.tasks.add', 'asyncio', '{\"a\": 1}')"
    )

    burst()

    [job] = client.jobs()
    assert ("succeeded", "greenlet") == (job.status, job.executor)


def test_a_stop_during_the_start_comes_before_the_first_claim(
    client: Client, fleet: Any, recorded: None
) -> None:
    job = client.enqueue("shop.tasks.add", {"a": 1})
    workers = fleet("--grace", "20")
    workers.until_query("select count(*) > 0 from pgqueue.workers where stopped_at is null")

    workers.signal(15)

    assert 0 == workers.wait()
    assert ("queued", 0) == (client.job(job.id).status, client.job(job.id).attempt)


def test_only_the_attempt_of_the_stuck_job_counts_whatever_the_timeouts_beside_it(
    client: Client, burst: Any, recorded: None
) -> None:
    naps = [_enqueue(client, "short_nap", seconds=1) for _ in range(8)]
    stuck = _enqueue(client, "stuck")

    burst()

    assert ("failed", 1) == (client.job(stuck.id).status, client.job(stuck.id).failure_count)
    for job in naps:
        row = client.job(job.id)
        assert ("succeeded", 0, 0) == (row.status, row.failure_count, row.lost_count)


def test_a_job_that_waits_behind_a_long_call_within_its_timeout_is_not_late(
    client: Client, burst: Any, recorded: None, link: Any
) -> None:
    for n in range(5):
        client.enqueue("shop.tasks.noop", {"n": n})  # short runs, so that more is prefetched
    call = _enqueue(client, "long_call", seconds=4)
    behind = [_enqueue(client, "quick") for _ in range(8)]

    burst("--greenlets", "1")

    assert {("succeeded", 1)} == {
        (client.job(job.id).status, client.job(job.id).attempt) for job in (call, *behind)
    }
    assert [(0,)] == link.fetch(
        "select count(*) from pgqueue.workers where stop_reason = 'overdue'", {}
    )


def test_a_killed_worker_lost_the_jobs_that_it_had_started_and_no_other(
    client: Client, burst: Any, recorded: None
) -> None:
    for n in range(5):
        client.enqueue("shop.tasks.noop", {"n": n})
    poison = client.enqueue("shop.tasks.die_once")
    behind = [_enqueue(client, "quick") for _ in range(8)]

    burst("--greenlets", "1")

    assert ["lost", "succeeded"] == [attempt.outcome for attempt in client.attempts(poison.id)]
    for job in behind:
        assert {"lost"} & {attempt.outcome for attempt in client.attempts(job.id)} == set()
        assert "succeeded" == client.job(job.id).status
