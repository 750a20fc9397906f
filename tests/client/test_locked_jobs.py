"""Actions on many jobs while another transaction has locked some: the others are done."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from pgqueue.client import actions
from pgqueue.client.client import Client
from pgqueue.core.errors import JobLocked
from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.new_job import NewJob
from pgqueue.store.connection.link import Link


@pytest.fixture
def hurried(database_url: str) -> Iterator[Client]:
    """A client whose sessions wait for a lock for a tenth of the usual time."""
    separator = "&" if "?" in database_url else "?"
    with Client(f"{database_url}{separator}options=-c%20lock_timeout%3D500ms") as client:
        yield client


@pytest.fixture
def job_ids(hurried: Client) -> list[int]:
    """Twenty jobs."""
    return [hurried.insert(NewJob("t")).id for _ in range(20)]


@pytest.mark.parametrize("locked", [[0], [19], [3, 4, 11], list(range(20))], ids=str)
@pytest.mark.parametrize("by", ["ids", "filter"])
def test_locked_jobs_are_left_and_told_and_the_others_are_done(
    hurried: Client, link: Link, job_ids: list[int], locked: list[int], by: str
) -> None:
    locked_ids = [job_ids[number] for number in locked]

    with link.raw.transaction():
        lock(link, locked_ids)
        selection: dict[str, Any] = {"ids": job_ids} if by == "ids" else {"task": "t"}
        statuses = hurried.cancel(**selection)

    assert set(locked_ids) == statuses.locked
    assert {
        job_id: None if job_id in locked_ids else JobStatus.CANCELLED for job_id in job_ids
    } == statuses
    assert len(locked) == hurried.count(status="queued")
    assert set() == hurried.cancel(locked_ids).locked


def test_a_retry_does_the_rest_too(hurried: Client, link: Link, job_ids: list[int]) -> None:
    hurried.cancel(job_ids)

    with link.raw.transaction():
        lock(link, job_ids[5:6])
        statuses = asyncio.run(hurried.aretry(status="cancelled"))

    assert {job_ids[5]} == statuses.locked
    assert 19 == hurried.count(status="queued")


def test_a_job_that_is_gone_or_final_is_not_locked(
    hurried: Client, link: Link, job_ids: list[int]
) -> None:
    hurried.cancel(job_ids[1])

    with link.raw.transaction():
        lock(link, job_ids[:1])
        statuses = hurried.cancel([*job_ids[:3], 404])

    assert {job_ids[0]} == statuses.locked
    assert {job_ids[0]: None, job_ids[1]: None, job_ids[2]: "cancelled", 404: None} == statuses


def test_more_jobs_than_one_transaction_takes(
    hurried: Client, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_JOBS_AT_ONCE_MAX", 5)
    job_ids = [hurried.insert(NewJob("t")).id for _ in range(23)]

    with link.raw.transaction():
        lock(link, [job_ids[2], job_ids[21]])
        statuses = hurried.cancel(task="t")

    assert {job_ids[2], job_ids[21]} == statuses.locked
    assert 21 == hurried.count(status="cancelled")


def test_a_lock_on_the_table_ends_the_action(
    hurried: Client, link: Link, job_ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_FRUITLESS_SECONDS_MAX", 0.2)

    with link.raw.transaction():
        link.raw.execute("lock table pgqueue.jobs in share row exclusive mode")
        statuses = hurried.cancel(job_ids)

    assert set(job_ids) == statuses.locked == statuses.keys()
    assert 20 == hurried.count(status="queued")


@pytest.mark.parametrize("verb", ["cancel", "retry", "acancel", "aretry"])
def test_a_verb_of_a_locked_job_says_so(hurried: Client, link: Link, verb: str) -> None:
    job = hurried.insert(NewJob("t"))
    if verb.endswith("retry"):
        job = job.cancel()

    with link.raw.transaction():
        lock(link, [job.id])
        with pytest.raises(JobLocked, match=f"has locked job {job.id}"):
            answer = getattr(job, verb)()
            if verb.startswith("a"):
                asyncio.run(answer)


def test_a_deadlock_is_a_lock(link: Link, hurried: Client) -> None:
    first, second = (hurried.insert(NewJob("t")).id for _ in range(2))
    link.raw.execute(
        "create function public.wait() returns trigger language plpgsql as "
        "$$begin raise deadlock_detected; end$$"
    )
    link.raw.execute(
        "create trigger wait before update on pgqueue.jobs for each row "
        f"when (new.id = {first}) execute function public.wait()".encode()
    )

    statuses = hurried.cancel([first, second])

    assert ({first}, "cancelled") == (statuses.locked, statuses[second])


def lock(link: Link, ids: list[int]) -> None:
    """Lock the rows of jobs in the transaction that is open on the link."""
    link.fetch("select from pgqueue.jobs where id = any(%(ids)s) for update", {"ids": ids})
