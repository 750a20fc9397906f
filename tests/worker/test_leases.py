"""Who owns a worker, and how long: identities and leases of real processes."""

import os
import signal
import time
from typing import Any

import pytest
from chaos import procs

from pgqueue import Client
from pgqueue.store.connection.link import Link
from tests.worker.conftest import pause

_TABLES = {
    "workers": ["workers", "supervisors"],
    "all": ["jobs", "attempts", "logs", "workers", "supervisors", "requests"],
}


def test_a_row_that_a_supervisor_did_not_register_is_reported_and_left_alone(fleet: Any) -> None:
    workers = fleet(PGQUEUE_HEARTBEAT_SECONDS="0.2")
    workers.until(workers.children, "started")

    workers.rows(
        "insert into pgqueue.workers "
        "(id, supervisor_id, executor, slots, host, queues, lease_until, last_seen_at) "
        "select 7, supervisor_id, executor, slots, host, queues, lease_until, 'epoch' "
        "from pgqueue.workers limit 1 returning id"
    )
    for _ in range(2):  # the first renewal may have begun before the row was there
        [(now,)] = workers.rows("select clock_timestamp()")
        workers.until_query(
            "select bool_or(last_seen_at > %s) from pgqueue.workers where id <> 7", now
        )
    workers.signal(signal.SIGTERM)

    assert 0 == workers.wait()
    assert 1 == workers.errors.count(b"workers foreign")
    assert [(True, None)] == workers.rows(
        "select last_seen_at = 'epoch', stopped_at from pgqueue.workers where id = 7"
    )


def test_a_dead_hosts_job_is_rescued_by_supervisors_that_live_shorter_than_a_lease(
    client: Client, fleet: Any
) -> None:
    settings = {"PGQUEUE_LEASE_SECONDS": "8", "PGQUEUE_HEARTBEAT_SECONDS": "1"}
    job = client.enqueue("shop.tasks.nap", {"seconds": 600})
    dead = fleet(**settings)
    dead.until(lambda: client.job(job.id).status == "running", "running")
    for pid in (dead.process.pid, *dead.children()):
        os.kill(pid, signal.SIGKILL)

    for _ in range(6):
        young = fleet(**settings)
        if _is_rescued_within(client, job.id, seconds=6.0):
            break
        for pid in (young.process.pid, *procs.children(young.process.pid)):
            procs.send(pid, signal.SIGKILL)

    assert 2 <= client.job(job.id).attempt


def _is_rescued_within(client: Client, job_id: int, *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if client.job(job_id).attempt > 1:
            return True
        pause(0.05)
    return False


@pytest.mark.parametrize("emptied", _TABLES)
def test_two_supervisors_leave_each_other_alone_when_every_counter_starts_again(
    client: Client, fleet: Any, link: Link, emptied: str
) -> None:
    settings = {"PGQUEUE_HEARTBEAT_SECONDS": "0.2", "PGQUEUE_PROCESSES": "1"}
    first = fleet(**settings)
    first.until(first.children, "started")

    names = ", ".join(f"pgqueue.{name}" for name in _TABLES[emptied])
    link.raw.execute(f"truncate {names} restart identity".encode())
    second = fleet(**settings)
    first.until_query(
        "select count(distinct supervisor_id) = 2 from pgqueue.workers where pid is not null"
    )
    pids = first.children()
    jobs = [client.enqueue("shop.tasks.nap", {"seconds": 0.5}) for _ in range(40)]
    ended = {"succeeded", "failed"}
    first.until(lambda: {client.job(job.id).status for job in jobs} <= ended, "ended")

    assert [("succeeded", 1)] * 40 == [
        (row.status, row.attempt) for row in (client.job(job.id) for job in jobs)
    ]
    assert set(pids) <= set(first.children())
    assert [] == first.rows("select * from pgqueue.workers where stopped_at is not null")
    for supervisor in (first, second):
        supervisor.signal(signal.SIGTERM)
        assert 0 == supervisor.wait()
        assert b"foreign" not in supervisor.errors
