"""The verbs that read jobs: one, many by filters, their attempts and logs; and waiting."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pgqueue.client.client import Client
from pgqueue.core.errors import InvalidOption, JobGone
from pgqueue.core.job import Undecodable
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.new_job import NewJob
from pgqueue.store import logs
from pgqueue.store.connection.link import Link
from pgqueue.store.logs import NewLogLine
from pgqueue.store.statement import run

if TYPE_CHECKING:
    from queue_database import QueueDatabase


def test_a_job_that_does_not_exist_is_gone(client: Client) -> None:
    with pytest.raises(JobGone, match="no job 404"):
        client.job(404)
    with pytest.raises(JobGone):
        client.wait(404, timeout=1)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "odd later mailbox mail_eu mail"),
        ({"status": "scheduled"}, "later"),
        ({"status": ["scheduled", JobStatus.QUEUED]}, "odd later mailbox mail_eu mail"),
        ({"status": []}, ""),
        ({"task": "shop.mail"}, "mail"),
        ({"task": "shop.*"}, "mail_eu mail"),
        ({"task": "*mail"}, "later mailbox mail"),
        ({"task": "sh*.*_eu"}, "mail_eu"),
        ({"task": "shop_mail"}, ""),
        ({"task": "shop_*"}, ""),
        ({"task": "odd%_\\*"}, "odd"),
        ({"queue": "mail"}, "mail"),
        ({"queue": "mail/"}, "mail_eu"),
        ({"queue": "mail%"}, ""),
        ({"args": {"to": 7}}, "mail"),
        ({"args": {"cc": [2]}}, "mail"),
        ({"args": {"deep": {"list": [{"x": None}]}}}, "odd"),
        ({"args": {}}, "odd later mailbox mail_eu mail"),
        ({"tags": "a"}, "mail_eu mail"),
        ({"tags": ["b", "a"]}, "mail"),
        ({"worker": 1}, ""),
        ({"created_since": datetime(2100, 1, 1, tzinfo=UTC)}, ""),
        ({"created_since": datetime(2000, 1, 1, tzinfo=UTC), "tags": "b"}, "mail"),
        ({"finished_since": datetime(2000, 1, 1, tzinfo=UTC)}, ""),
        ({"task": "shop.*", "status": "queued", "queue": "mail/", "worker": None}, "mail_eu"),
    ],
    ids=str,
)
def test_a_list_has_the_jobs_that_fit_every_filter_newest_first(
    client: Client, jobs_by_name: dict[str, int], filters: dict[str, Any], expected: str
) -> None:
    names = {job_id: name for name, job_id in jobs_by_name.items()}

    jobs = client.jobs(**filters)

    assert expected.split() == [names[job.id] for job in jobs]
    assert len(jobs) == client.count(**filters)
    assert all(job == client.job(job.id) for job in jobs)


def test_jobs_are_listed_by_id_by_worker_and_by_their_end(
    client: Client, db: "QueueDatabase", jobs_by_name: dict[str, int]
) -> None:
    ids = list(jobs_by_name.values())
    worker_id = db.worker()
    [attempt] = db.claim(worker_id, "mail")
    db.settle(attempt, Outcome.SUCCEEDED)

    def listed(**filters: Any) -> list[int]:
        return [job.id for job in client.jobs(**filters)]

    assert [ids[3], ids[1]] == listed(ids=[ids[1], ids[3], 404])
    assert [] == listed(ids=[])
    assert [attempt.id] == listed(worker=worker_id)
    assert [attempt.id] == listed(finished_since=datetime(2000, 1, 1, tzinfo=UTC))
    assert 2 == client.count(ids=ids[:2])


def test_a_list_has_a_limit(client: Client) -> None:
    client.insert_many([NewJob("t")] * 150)

    assert 100 == len(client.jobs())
    assert 3 == len(client.jobs(limit=3))
    with pytest.raises(InvalidOption, match="limit"):
        client.jobs(limit=0)


@pytest.mark.parametrize(
    ("filters", "option"),
    [({"status": "done"}, "status"), ({"state": "queued"}, "state")],
    ids=str,
)
def test_an_unknown_filter_or_status_is_refused(
    client: Client, filters: dict[str, Any], option: str
) -> None:
    with pytest.raises(InvalidOption, match=f"{option}=.* is refused"):
        client.jobs(**filters)
    with pytest.raises(InvalidOption, match=f"{option}=.* is refused"):
        client.cancel(**filters)


def test_a_row_that_cannot_be_decoded_spoils_only_itself(
    client: Client, db: "QueueDatabase"
) -> None:
    good = client.insert(NewJob("t", '{"a": 1}'))
    db.rows("alter domain pgqueue.job_args drop constraint job_args_numbers_check")
    db.rows(
        """
        insert into pgqueue.jobs (task, args, result)
        values
          ('digits', ('{"n": ' || repeat('9', 5000) || '}')::jsonb, null),
          ('depth', '{}', (repeat('[', 3000) || repeat(']', 3000))::jsonb)
        """
    )

    depth, digits, listed = client.jobs()

    assert good == listed
    assert isinstance(digits.args, Undecodable)
    assert "digits" in digits.args.reason
    # The depth that Python reads differs: 3.13 reads a value that 3.11 does not.
    if isinstance(depth.result, Undecodable):
        assert 6000 == len(depth.result.text)
    else:
        assert json.dumps(depth.result, separators=(",", ":")).startswith("[[[")


def test_attempts_and_logs_tell_how_a_job_ran(
    client: Client, db: "QueueDatabase", link: Link
) -> None:
    job = client.insert(NewJob("t", max_attempts=2))
    worker_id = db.worker()
    [claimed] = db.claim(worker_id)
    for number in range(3):
        line = NewLogLine(claimed.id, 1, worker_id, 0.0, "INFO", "shop", f"line {number}", number)
        run(link, logs.add_log_lines([line]))
    db.settle(claimed, Outcome.FAILED, error_type="ValueError")

    [attempt] = job.attempts()
    lines = job.logs()

    assert ("failed", "ValueError", worker_id) == (
        attempt.outcome,
        attempt.error_type,
        attempt.worker_id,
    )
    assert ["line 0", "line 1", "line 2"] == [line.message for line in lines]
    assert lines[2:] == client.logs(job.id, after=lines[1].id)
    assert lines[:1] == client.logs(job.id, limit=1)
    assert lines[1:] == client.last_logs(job.id, limit=2)


def test_waiting_ends_when_the_job_is_final(client: Client, db: "QueueDatabase") -> None:
    job = client.insert(NewJob("t"))
    worker_id = db.worker()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(job.wait, 30)
        [attempt] = db.claim(worker_id)
        db.settle(attempt, Outcome.SUCCEEDED, result="42")
        finished = waiting.result(timeout=30)

    assert (JobStatus.SUCCEEDED, 42) == (finished.status, finished.result)
    assert finished == job.wait(0)


def test_waiting_ends_with_an_error_in_time(client: Client) -> None:
    job = client.insert(NewJob("t"))

    with pytest.raises(TimeoutError, match=f"Job {job.id} is queued after 0.02 s"):
        job.wait(0.02)


@pytest.mark.parametrize("job_id", ["1", 1.0, True, 0, 2**70])
@pytest.mark.parametrize("verb", ["job", "wait", "attempts", "logs", "last_logs"])
def test_a_wrong_id_is_refused(client: Client, verb: str, job_id: Any) -> None:
    with pytest.raises(InvalidOption, match="job_id"):
        getattr(client, verb)(job_id)


@pytest.mark.parametrize("ids", ["12", [1.5], True])
def test_a_wrong_id_selects_no_job(client: Client, ids: Any) -> None:
    with pytest.raises(InvalidOption, match="ids"):
        client.jobs(ids=ids)
    with pytest.raises(InvalidOption, match="ids"):
        client.count(ids=ids)


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("logs", {"limit": 0}),
        ("logs", {"limit": -1}),
        ("last_logs", {"limit": 100_001}),
        ("logs", {"after": -1}),
        ("logs", {"after": "x"}),
        ("wait", {"timeout": float("nan")}),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(
    client: Client, verb: str, arguments: dict[str, Any]
) -> None:
    [name] = arguments
    with pytest.raises(InvalidOption, match=name):
        getattr(client, verb)(1, **arguments)
