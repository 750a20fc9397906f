"""Starts, deaths and stops of real processes."""

import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from chaos import procs

from pgqueue import Client


def test_ten_thousand_jobs_are_each_started_exactly_once_by_many_children(
    client: Client, burst: Any, link: Any
) -> None:
    link.raw.execute(
        "insert into pgqueue.jobs (task, args) "
        "select 'shop.tasks.noop', jsonb_build_object('n', n) from generate_series(1, 10000) as n"
    )

    burst("--processes", "20", "--greenlets", "2")

    assert [(10000, 10000, 1)] == link.fetch(
        "select count(*), count(distinct job_id), max(attempt) from pgqueue.attempts "
        "where outcome = 'succeeded'",
        {},
    )
    assert 10000 == client.count(status="succeeded")


def test_a_killed_childs_job_runs_again_within_two_seconds(client: Client, fleet: Any) -> None:
    job = client.enqueue("shop.tasks.nap", {"seconds": 1.5})
    workers = fleet("--processes", "2")
    # Its claim is seen before its start: killed in between, it would be interrupted, not lost.
    workers.until(lambda: client.logs(job.id), "started")
    [(pid,)] = workers.rows(
        "select pid from pgqueue.running_jobs where id = %s and pid is not null", job.id
    )

    killed_at = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    workers.until(lambda: client.job(job.id).attempt == 2, "claimed again")
    seconds = time.monotonic() - killed_at

    assert seconds < 2.0
    workers.until(lambda: client.job(job.id).status == "succeeded", "succeeded")
    assert ["lost", "succeeded"] == [attempt.outcome for attempt in client.attempts(job.id)]


def test_a_frozen_childs_job_runs_elsewhere_when_a_lease_has_passed(
    client: Client, fleet: Any
) -> None:
    job = client.enqueue("shop.tasks.nap", {"seconds": 1})
    workers = fleet(PGQUEUE_LEASE_SECONDS="2", PGQUEUE_HEARTBEAT_SECONDS="0.5")
    workers.until(lambda: client.logs(job.id), "started")
    [(pid,)] = workers.rows("select pid from pgqueue.running_jobs where id = %s", job.id)

    os.kill(pid, signal.SIGSTOP)

    workers.until(lambda: client.job(job.id).status == "succeeded", "succeeded")
    assert ["lost", "succeeded"] == [attempt.outcome for attempt in client.attempts(job.id)]
    assert "frozen" in str(client.attempts(job.id)[0].error_message)
    assert not procs.lives(pid)


def test_a_host_that_wakes_past_its_lease_changes_nothing(
    client: Client, fleet: Any, link: Any, recorded: None, database_url: str, tmp_path: Path
) -> None:
    settings = {
        "PGQUEUE_LEASE_SECONDS": "2",
        "PGQUEUE_HEARTBEAT_SECONDS": "0.5",
        "PGQUEUE_TASKS": "shop.hard_tasks",
    }
    link.raw.execute("create table public.effects (attempt integer)")
    frozen = fleet(**settings)
    name, args = "shop.hard_tasks.completes_late", {"url": database_url, "folder": str(tmp_path)}
    job = client.enqueue(name, args)
    frozen.until(tmp_path.joinpath("waits").exists, "the first attempt waits")
    [(child,)] = frozen.rows("select pid from pgqueue.running_jobs where id = %s", job.id)

    frozen.signal(signal.SIGSTOP)
    os.kill(child, signal.SIGSTOP)
    other = fleet(**settings)
    other.until(lambda: client.job(job.id).status == "succeeded", "ran elsewhere")
    settled = client.job(job.id)
    tmp_path.joinpath("go on").touch()
    os.kill(child, signal.SIGCONT)
    # Its lease is over, so it interrupts the attempt, or ends at once: its supervisor is frozen.
    error = tmp_path.joinpath("error")
    other.until(lambda: error.exists() or not _runs(child), "the first attempt ended")
    frozen.signal(signal.SIGCONT)

    other.until(lambda: not procs.lives(child), "its supervisor reaped it")
    assert not error.exists() or error.read_text() in ("LeaseLost", "JobInterrupted")
    assert [(2,)] == other.rows("select attempt from public.effects")
    assert settled == client.job(job.id)
    assert ["lost", "succeeded"] == [attempt.outcome for attempt in client.attempts(job.id)]


def _runs(pid: int) -> bool:
    """Whether a process runs; False for one that waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_signal_while_a_supervisor_starts_ends_it_as_done(fleet: Any) -> None:
    # Where nobody answers, the start takes as long as a connection may.
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"postgresql://nobody@127.0.0.1:{deaf.getsockname()[1]}/none"
        workers = fleet(PGQUEUE_URL=url)
        connection, _ = deaf.accept()
        with connection:
            workers.signal(signal.SIGTERM)

            assert 0 == workers.wait()


def test_one_signal_lets_running_jobs_finish_and_leaves_the_queued(
    client: Client, fleet: Any
) -> None:
    workers = fleet("--greenlets", "1")
    running = client.enqueue("shop.tasks.nap", {"seconds": 1})
    workers.until(lambda: client.job(running.id).status == "running", "running")
    queued = client.enqueue("shop.tasks.nap", {"seconds": 1})

    workers.signal(signal.SIGTERM)

    assert 0 == workers.wait()
    assert "succeeded" == client.job(running.id).status
    assert ("queued", 0) == (client.job(queued.id).status, client.job(queued.id).failure_count)
    assert [] == workers.children()


def test_signals_without_end_change_nothing_of_a_stop(client: Client, fleet: Any) -> None:
    for _ in range(3):
        workers = fleet("--grace", "0")
        workers.until(workers.children, "started")

        while workers.process.poll() is None:
            workers.signal(signal.SIGTERM)

        assert 0 == workers.wait()


@pytest.mark.usefixtures("default_signals")
def test_a_hangup_of_all_processes_is_a_stop_as_any_other(client: Client, fleet: Any) -> None:
    workers = fleet("--grace", "30")
    # Longer than a worker whose supervisor is dead may go on.
    job = client.enqueue("shop.tasks.nap", {"seconds": 7})
    workers.until(lambda: client.logs(job.id), "started")

    for pid in (*workers.children(), workers.process.pid):
        os.kill(pid, signal.SIGHUP)

    assert 0 == workers.wait()
    assert ("succeeded", 1) == (client.job(job.id).status, client.job(job.id).attempt)


@pytest.mark.usefixtures("default_signals")
def test_two_signals_return_running_jobs_to_the_queue_uncounted(client: Client, fleet: Any) -> None:
    workers = fleet("--cpus", "1")
    jobs = [
        client.enqueue("shop.tasks.nap", {"seconds": 50}),
        client.enqueue("shop.tasks.async_nap", {"seconds": 50}),
        client.enqueue("shop.tasks.count_to", {"n": 10**11}),
    ]
    workers.until(
        lambda: all(
            client.job(job.id).status == "running" and client.job(job.id).executor == executor
            for job, executor in zip(jobs, ("greenlet", "asyncio", "process"), strict=True)
        ),
        "all running where they belong",
    )
    pids = workers.children()

    workers.signal(signal.SIGINT)
    workers.signal(signal.SIGTERM)  # the kernel keeps one of two equal signals that wait

    assert 0 == workers.wait()
    for job in jobs:
        row = client.job(job.id)
        assert ("queued", 0, 0) == (row.status, row.failure_count, row.lost_count)
        assert "interrupted" == row.attempts()[-1].outcome
    assert [] == [pid for pid in pids if procs.lives(pid)]


def test_a_grace_that_ends_returns_resisting_jobs_to_the_queue(client: Client, fleet: Any) -> None:
    job = client.enqueue("shop.tasks.stuck_in_a_sum", timeout=600)
    workers = fleet("--grace", "0.2")
    workers.until(lambda: client.job(job.id).status == "running", "running")
    pids = workers.children()

    workers.signal(signal.SIGTERM)

    assert 0 == workers.wait()
    row = client.job(job.id)
    assert ("queued", 0, 0) == (row.status, row.failure_count, row.lost_count)
    assert [] == [pid for pid in pids if procs.lives(pid)]


def test_children_of_a_killed_supervisor_return_their_jobs_and_end(
    client: Client, fleet: Any
) -> None:
    job = client.enqueue("shop.tasks.nap", {"seconds": 50})
    workers = fleet()
    workers.until(lambda: client.job(job.id).status == "running", "running")
    pids = workers.children()

    workers.signal(signal.SIGKILL)

    workers.until(lambda: client.job(job.id).status == "queued", "returned to the queue")
    assert "interrupted" == client.attempts(job.id)[-1].outcome
    workers.until(lambda: not any(procs.lives(pid) for pid in pids), "ended")


def test_a_running_job_is_cancelled_where_it_waits(client: Client, fleet: Any) -> None:
    workers = fleet()
    job = client.enqueue("shop.tasks.nap", {"seconds": 50})
    workers.until(lambda: client.job(job.id).status == "running", "running")

    client.cancel([job.id])

    workers.until(lambda: client.job(job.id).status == "cancelled", "cancelled")
    assert ["cancelled"] == [attempt.outcome for attempt in client.attempts(job.id)]


def test_jobs_go_on_after_every_connection_was_cut(
    client: Client, fleet: Any, database_url: str
) -> None:
    workers = fleet()
    first = client.enqueue("shop.tasks.nap", {"seconds": 1})
    workers.until(lambda: client.job(first.id).status == "running", "running")

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and application_name like 'pgqueue %' "
        )
    second = client.enqueue("shop.tasks.add", {"a": 1})

    workers.until(lambda: client.job(second.id).status == "succeeded", "the second ran")
    workers.until(lambda: client.job(first.id).status == "succeeded", "the first was settled")
    assert 1 == client.job(first.id).attempt


@pytest.mark.own_session
def test_the_listener_uses_the_url_of_its_setting(
    client: Client, fleet: Any, database_url: str
) -> None:
    name = "&application_name=listener" if "?" in database_url else "?application_name=listener"
    workers = fleet(PGQUEUE_LISTEN_URL=database_url + name)
    job = client.enqueue("shop.tasks.add", {"a": 1})

    workers.until(lambda: client.job(job.id).status == "succeeded", "succeeded")

    workers.until_query(
        "select count(*) = 1 from pg_stat_activity where application_name = 'listener' "
        "and datname = current_database()"
    )


def test_queues_are_claimed_in_strict_order_and_priority_within(
    client: Client, burst: Any, link: Any
) -> None:
    order = []
    for queue, priority in (("b", 0), ("a", 0), ("a", 5), ("b", 100)):
        order.append(client.enqueue("shop.tasks.add", {"a": 1}, queue=queue, priority=priority).id)

    burst("a", "b", "--greenlets", "1")

    started = [row[0] for row in link.fetch("select id from pgqueue.jobs order by started_at", {})]
    assert [order[2], order[1], order[3], order[0]] == started


def test_a_trailing_slash_claims_all_sub_queues(client: Client, burst: Any) -> None:
    inside = [client.enqueue("shop.tasks.add", {"a": 1}, queue=q) for q in ("mail/a", "mail/b/c")]
    outside = client.enqueue("shop.tasks.add", {"a": 1}, queue="mailbox")

    burst("mail/")

    assert ["succeeded"] * 2 == [client.job(job.id).status for job in inside]
    assert "queued" == client.job(outside.id).status


def test_a_module_that_does_not_import_ends_the_start_with_advice(fleet: Any) -> None:
    workers = fleet(PGQUEUE_TASKS="shop.nothing")

    assert 2 == workers.wait()
    assert b"shop.nothing" in workers.errors


def test_the_process_that_begins_first_becomes_the_first_worker(fleet: Any) -> None:
    workers = fleet()
    workers.until(workers.children, "started")

    pid = workers.process.pid
    started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    assert started == [str(child) for child in workers.children()]


def test_a_start_with_invalid_settings_leaves_no_process(fleet: Any) -> None:
    workers = fleet(PGQUEUE_PROCESSES="0")

    # It reads what they say to its end, which comes when the last of them is gone.
    assert 2 == workers.wait()
    assert b"InvalidSettings" in workers.errors


def test_a_worker_child_loads_no_sqlalchemy(client: Client, fleet: Any) -> None:
    job = client.enqueue("shop.tasks.nap", {"seconds": 50})
    workers = fleet()
    workers.until(lambda: client.job(job.id).status == "running", "running")

    loaded = [Path(f"/proc/{pid}/maps").read_text() for pid in workers.children()]

    assert loaded
    assert not any("sqlalchemy" in maps for maps in loaded)


def test_a_worker_whose_fetcher_stalls_is_replaced_after_its_jobs(
    client: Client, fleet: Any, recorded: None
) -> None:
    job = client.enqueue("shop.hard_tasks.stand_still")
    workers = fleet(PGQUEUE_HEARTBEAT_SECONDS="0.2", PGQUEUE_TASKS="shop.tasks,shop.hard_tasks")
    workers.until(lambda: client.job(job.id).status == "succeeded", "it ended by itself")
    next_job = client.enqueue("shop.tasks.noop", {"n": 1})

    workers.until(lambda: client.job(next_job.id).status == "succeeded", "another worker goes on")

    assert ("whole", 1) == (client.job(job.id).result, client.job(job.id).attempt)
    workers.until_query(
        "select stop_reason = 'stopped' and stop_detail like '%%its claim loop stood still' "
        "from pgqueue.workers where id = %s",
        client.attempts(job.id)[0].worker_id,
    )


@pytest.mark.own_session
@pytest.mark.parametrize(
    "broken", ["dispatcher|registry|finisher", "maintenance|registry", "fetcher|registry"]
)
def test_a_schema_that_grew_too_new_ends_a_supervisor_after_what_runs(
    client: Client, fleet: Any, link: Any, recorded: None, tmp_path: Path, broken: str
) -> None:
    go = tmp_path / "go"
    job = client.enqueue("shop.hard_tasks.nap_until", {"path": str(go)})
    workers = fleet(
        PGQUEUE_TASKS="shop.hard_tasks", PGQUEUE_LEASE_SECONDS="4", PGQUEUE_HEARTBEAT_SECONDS="1"
    )
    workers.until(lambda: client.job(job.id).status == "running", "running")
    link.fetch("update pgqueue.schema_version set version_num = '9999', serves = '{}'", {})
    [(worker_id, lease_until)] = workers.rows(
        "select id, lease_until from pgqueue.workers where executor = 'greenlet'"
    )

    workers.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
        f"and application_name ~ '^pgqueue ({broken})'"
    )

    workers.until_query(
        "select lease_until > %s + interval '4 s' from pgqueue.workers where id = %s",
        lease_until,
        worker_id,
    )
    go.touch()
    assert 3 == workers.wait()
    assert b"excludes releases" in workers.errors
    done = client.job(job.id)
    assert ("succeeded", 1, 0) == (done.status, done.attempt, done.lost_count)
