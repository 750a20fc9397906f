"""The verbs that change jobs: cancel and retry, by id and by filter."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from pgqueue.client.client import Client
from pgqueue.core.errors import InvalidOption
from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.new_job import NewJob
from pgqueue.store.connection.link import Link

if TYPE_CHECKING:
    from queue_database import QueueDatabase


def test_jobs_are_cancelled_and_retried_by_id_and_by_filter(
    client: Client, jobs_by_name: dict[str, int]
) -> None:
    ids = jobs_by_name

    by_id = client.cancel(ids["mail"])
    by_ids = client.cancel([ids["mail"], ids["odd"], 404])
    by_filter = client.cancel(task="shop*")
    retried = client.retry(status="cancelled", queue="mail/")
    narrowed = client.retry([ids["mail"], ids["later"]], status="cancelled")

    assert {ids["mail"]: "cancelled"} == by_id
    assert {ids["mail"]: None, ids["odd"]: "cancelled", 404: None} == by_ids
    assert {
        ids["mail"]: None,
        ids["mail_eu"]: "cancelled",
        ids["mailbox"]: "cancelled",
    } == by_filter
    assert {ids["mail_eu"]: "queued"} == retried
    assert {ids["mail"]: "queued"} == narrowed


@pytest.mark.parametrize(
    ("status", "verb", "changes"),
    [
        ("failed", Client.retry, "status = 'succeeded', attempt = attempt + 1"),
        ("failed", Client.retry, "status = 'failed', attempt = attempt + 1"),
        ("failed", Client.retry, "status = 'cancelled'"),
        ("queued", Client.cancel, "status = 'running', attempt = attempt + 1"),
    ],
)
def test_a_filter_leaves_alone_a_job_that_changes_before_the_action(
    client: Client,
    link: Link,
    wait_for_blocked_session: Callable[[], None],
    status: str,
    verb: Any,
    changes: str,
) -> None:
    job = client.insert(NewJob("t"))
    link.fetch("update pgqueue.jobs set status = %(status)s", {"status": status})

    with ThreadPoolExecutor(1) as pool, link.raw.transaction():
        link.fetch("select from pgqueue.jobs for update", {})
        answer = pool.submit(verb, client, status=status)
        wait_for_blocked_session()
        link.raw.execute(f"update pgqueue.jobs set {changes}".encode())
    before = client.job(job.id)

    assert {job.id: None} == answer.result(30)
    assert before == client.job(job.id)
    assert [(None,)] == link.fetch("select cancel_requested_at from pgqueue.jobs", {})


def test_a_filter_by_worker_leaves_alone_a_job_that_this_worker_lost(
    client: Client, link: Link, wait_for_blocked_session: Callable[[], None]
) -> None:
    job = client.insert(NewJob("t"))
    link.fetch("update pgqueue.jobs set status = 'running', attempt = 1, worker_id = 7", {})

    with ThreadPoolExecutor(1) as pool, link.raw.transaction():
        link.fetch("select from pgqueue.jobs for update", {})
        answer = pool.submit(client.cancel, worker=7)
        wait_for_blocked_session()
        link.fetch("update pgqueue.jobs set status = 'queued', worker_id = null", {})

    assert {job.id: None} == answer.result(30)
    assert "queued" == client.job(job.id).status


def test_a_filter_without_a_status_cancels_a_job_that_starts_before_the_action(
    client: Client, link: Link, wait_for_blocked_session: Callable[[], None]
) -> None:
    job = client.insert(NewJob("t"))

    with ThreadPoolExecutor(1) as pool, link.raw.transaction():
        link.fetch("select from pgqueue.jobs for update", {})
        answer = pool.submit(client.cancel, task="t")
        wait_for_blocked_session()
        link.fetch("update pgqueue.jobs set status = 'running', attempt = 1", {})

    assert {job.id: JobStatus.RUNNING} == answer.result(30)


def test_several_statuses_may_come_from_an_iterator(client: Client) -> None:
    jobs = [client.insert(NewJob("t")) for _ in range(2)]

    statuses = client.cancel(status=iter(["queued", "scheduled"]))

    assert dict.fromkeys((job.id for job in jobs), JobStatus.CANCELLED) == statuses


def test_an_action_on_more_jobs_than_one_transaction_takes_reaches_all(
    client: Client, db: "QueueDatabase"
) -> None:
    client.insert_many([NewJob("t")] * 1_201)

    cancelled = client.cancel(task="t")
    retried = client.retry(status="cancelled")

    assert 1_201 == len(cancelled) == len(retried)
    assert [("queued", 1_201)] == db.rows("select status, count(*) from pgqueue.jobs group by 1")


@pytest.mark.parametrize("verb", [Client.cancel, Client.retry])
@pytest.mark.parametrize("filters", [{}, {"task": None}], ids=str)
def test_a_call_without_ids_and_filters_changes_no_job(
    client: Client, verb: Callable[..., Any], filters: dict[str, Any]
) -> None:
    client.insert(NewJob("t"))

    with pytest.raises(InvalidOption, match="by id or by a filter"):
        verb(client, **filters)

    assert {} == verb(client, [])
    assert "queued" == client.jobs()[0].status


@pytest.mark.parametrize("verb", ["cancel", "retry"])
@pytest.mark.parametrize("ids", ["12", 1.0, [1.6], True, [2**70]])
def test_a_wrong_id_is_refused_and_changes_no_job(
    client: Client, jobs_by_name: dict[str, int], verb: str, ids: Any
) -> None:
    before = [job.status for job in client.jobs()]

    with pytest.raises(InvalidOption, match="ids"):
        getattr(client, verb)(ids)

    assert before == [job.status for job in client.jobs()]
