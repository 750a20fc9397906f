"""A real `pgqueue worker` whose login has the role worker only."""

from collections import Counter
from typing import TYPE_CHECKING

from pgqueue.client.client import Client
from pgqueue.core.lifecycle import JobStatus, Outcome

if TYPE_CHECKING:
    from tests.security.conftest import Burst, Logins


def test_a_worker_does_all_its_work_with_the_rights_of_a_worker(
    logins: "Logins", client: Client, burst: "Burst"
) -> None:
    recording = burst(logins.url("worker"))
    producer = logins.client("producer")
    for name, args in (
        ("vault.open_door", {"n": 2}),
        ("vault.watch_door", {}),
        ("vault.count_coins", {"n": 1000}),
        ("vault.jam", {}),
        ("vault.close_door", {"url": logins.url("worker")}),
    ):
        producer.enqueue(name, args)

    working = burst(logins.url("worker"))

    output = recording.stderr + working.stderr
    assert (0, 0) == (recording.returncode, working.returncode), output
    lines = [line for line in output.splitlines() if "task=vault.jam" not in line]
    assert [] == [line for line in lines if "denied" in line or "failed" in line]
    assert {
        ("vault.open_door", JobStatus.SUCCEEDED): 5,
        ("vault.watch_door", JobStatus.SUCCEEDED): 1,
        ("vault.close_door", JobStatus.SUCCEEDED): 1,
        ("vault.jam", JobStatus.FAILED): 1,
    } == Counter((job.task, job.status) for job in client.jobs())
    opened = client.jobs(task="vault.open_door")[-1]
    assert ["opening 2"] == [line.message for line in opened.logs()]
    [jammed] = client.jobs(task="vault.jam")
    assert [Outcome.FAILED] * 2 == [attempt.outcome for attempt in jammed.attempts()]
    ends = {worker.stop_reason for worker in client.workers.list(with_stopped=True)}
    assert ends <= {"finished", "stopped"}


def test_a_worker_without_rights_prints_the_missing_right(logins: "Logins", burst: "Burst") -> None:
    output = burst(logins.url("viewer"))

    assert 3 == output.returncode
    assert "permission denied" in output.stderr
    assert "pgqueue migrate --roles" in output.stderr
