"""An at_most_once job is started at most once, by a ledger outside the database, whatever dies."""

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from uuid import uuid4

import pytest
from chaos import procs
from chaos.server import Server
from rig import Rig, running_rig

# How many processes are killed; a long run asks for more.
KILLS = int(os.environ.get("CONNECTIONS_KILLS", "15"))
SEED = int(os.environ.get("CONNECTIONS_SEED", "1"))


@pytest.fixture
def rig(server: Server) -> Iterator[Rig]:
    """No supervisor yet."""
    with running_rig(server) as made:
        yield made


def _start(rig: Rig) -> None:
    rig.start(
        *("--processes", "1", "--greenlets", "5"),
        PGQUEUE_LEASE_SECONDS="3",
        PGQUEUE_HEARTBEAT_SECONDS="0.5",
        PGQUEUE_POLL_SECONDS="0.2",
    )


def _worker_with_a_job(rig: Rig, chance: random.Random) -> "tuple[int, subprocess.Popen[bytes]]":
    """The process id of a live one, and its supervisor."""
    found: list[tuple[int, subprocess.Popen[bytes]]] = []

    def look() -> bool:
        live = {pid: each for each in rig.supervisors for pid in procs.children(each.pid)}
        found[:] = [(pid, live[pid]) for (pid,) in rig.rows(_RUNNING) if pid in live]
        return bool(found)

    rig.until(look, "a job runs")
    return chance.choice(found)


_RUNNING = "select distinct pid from pgqueue.running_jobs where pid is not null order by pid"


@pytest.mark.timeout(60 + 3 * KILLS)
def test_at_most_once_is_started_at_most_once_whatever_dies(rig: Rig) -> None:
    chance = random.Random(SEED)
    keys: list[str] = []
    for _ in range(2):
        _start(rig)
    rig.until_recorded()

    for _ in range(KILLS):
        for _ in range(20 - rig.client.count(status="queued")):
            keys.append(uuid4().hex)
            rig.enqueue(
                keys[-1], "depot.tasks.cautious", args={"seconds": chance.uniform(0.0, 0.6)}
            )
        worker, supervisor = _worker_with_a_job(rig, chance)
        if chance.random() < 0.5:
            procs.send(worker, signal.SIGKILL)
        else:
            rig.kill(supervisor, with_children=chance.random() < 0.5)
            _start(rig)

    rig.check_evidence()
    starts = rig.starts("depot.tasks.cautious")
    assert [] == [key for key, count in starts.items() if count > 1]
    ended = {job.args["key"]: job.status.value for job in rig.client.jobs(limit=100_000)}
    assert set(keys) == set(ended)
    succeeded = {key for key, status in ended.items() if status == "succeeded"}
    assert succeeded
    assert succeeded <= set(starts)
    failed = sum(status == "failed" for status in ended.values())
    print(f"{KILLS} kills, {len(keys)} jobs, {failed} failed for a person, none started twice")
