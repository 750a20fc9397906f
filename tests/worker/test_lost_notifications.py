"""A job starts although the one supervisor that was notified of it has ended without a word."""

import os
import signal
from typing import Any

import psycopg

from pgqueue.client.client import Client

_LEASE_SECONDS = 10.0
_POLL_SECONDS = 2.0

_WAITING = """
select count(distinct worker.supervisor_id) = 2
from pgqueue.workers as worker
join pgqueue.supervisors as supervisor on supervisor.id = worker.supervisor_id
where supervisor.wants_notify and supervisor.slots > 0 and worker.pid is not null
  and worker.executor = 'greenlet'
"""

_PIDS = """
select worker.pid
from pgqueue.workers as worker
join pgqueue.supervisors as supervisor on supervisor.id = worker.supervisor_id
where supervisor.pid = %s and worker.pid is not null
"""

# Producers notify a full supervisor only if all are full.
_FILL = "update pgqueue.supervisors set busy_slots = slots where pid = %s"

_WAITED = "select extract(epoch from started_at - created_at)::float8 from pgqueue.jobs"


def test_a_job_starts_within_a_lease_and_a_poll_of_a_supervisor_that_was_not_notified(
    client: Client, fleet: Any, recorded: None, database_url: str
) -> None:
    settings = {
        "PGQUEUE_LEASE_SECONDS": f"{_LEASE_SECONDS:g}",
        "PGQUEUE_HEARTBEAT_SECONDS": "2",
        "PGQUEUE_POLL_SECONDS": f"{_POLL_SECONDS:g}",
    }
    lost, other = fleet(**settings), fleet(**settings)
    other.until_query(_WAITING)
    lost_pids = [row[0] for row in other.rows(_PIDS, lost.process.pid)]

    lost.signal(signal.SIGKILL)
    for pid in lost_pids:
        os.kill(pid, signal.SIGKILL)
    with psycopg.connect(database_url) as connection:
        connection.execute(_FILL.encode(), (other.process.pid,))
        job = client.enqueue("shop.tasks.nap", {"seconds": 0}, connection=connection)

    other.until(lambda: client.job(job.id).status == "succeeded", "succeeded")
    [(waited_seconds,)] = other.rows(_WAITED)
    assert waited_seconds < _LEASE_SECONDS + _POLL_SECONDS
