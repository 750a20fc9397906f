"""A real `pgqueue worker`, whose database login has the role worker and nothing else."""

from collections import Counter
from typing import TYPE_CHECKING

from pgqueue.client.client import Client
from pgqueue.core.lifecycle import JobStatus, Outcome

if TYPE_CHECKING:
    from tests.security.conftest import Burst, Crowd


def test_a_worker_does_all_its_work_with_the_rights_of_a_worker(
    crowd: "Crowd", client: Client, burst: "Burst"
) -> None:
    recording = burst(crowd.url("worker"))
    producer = crowd.client("producer")
    for name, args in (
        ("vault.open_door", {"n": 2}),
        ("vault.watch_door", {}),
        ("vault.count_coins", {"n": 1000}),
        ("vault.jam", {}),
        ("vault.close_door", {"url": crowd.url("worker")}),
    ):
        producer.enqueue(name, args)

    working = burst(crowd.url("worker"))

    said = recording.stderr + working.stderr
    assert (0, 0) == (recording.returncode, working.returncode), said
    assert [] == [line for line in said.splitlines() if "denied" in line or "failed" in line]
    assert {
        ("vault.open_door", JobStatus.SUCCEEDED): 5,
        ("vault.watch_door", JobStatus.SUCCEEDED): 1,
        ("vault.close_door", JobStatus.SUCCEEDED): 1,
        ("vault.jam", JobStatus.FAILED): 1,
    } == Counter((job.task, job.status) for job in client.jobs())
    opened = client.jobs(task="vault.open_door")[-1]
    assert ["opening 2"] == [line.message for line in opened.logs()]
    [jammed] = client.jobs(task="vault.jam")
    assert [Outcome.FAILED] * 2 == [each.outcome for each in jammed.attempts()]
    ends = {each.stop_reason for each in client.workers.list(with_stopped=True)}
    assert ends <= {"finished", "stopped"}


def test_a_worker_without_rights_says_what_it_lacks(crowd: "Crowd", burst: "Burst") -> None:
    said = burst(crowd.url("viewer"))

    assert 3 == said.returncode
    assert "permission denied" in said.stderr
    assert "pgqueue migrate --roles" in said.stderr
