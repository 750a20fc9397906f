"""`pgqueue jobs`: list, show, retry and cancel."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pgqueue.client.client import Client
from pgqueue.store import tasks
from pgqueue.store.connection import session
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run

if TYPE_CHECKING:
    from tests.cli.conftest import Command


def test_a_list_has_the_jobs_that_fit_every_filter(pgqueue: "Command", client: Client) -> None:
    wanted = client.enqueue("shop.mail", {"user_id": 7}, queue="mail")
    client.enqueue("shop.mail", {"user_id": 8}, queue="mail")
    client.enqueue("bank.mail", {"user_id": 7})

    result = pgqueue("jobs", "list", "--task", "shop.*", "--args", '{"user_id": 7}', "--json")

    assert [wanted.id] == [row["id"] for row in result.document]
    assert 0 == result.code


def test_piped_rows_are_lines_with_tabs(pgqueue: "Command", client: Client) -> None:
    job = client.enqueue("shop.mail")

    result = pgqueue("jobs", "list")

    header, line = result.out.splitlines()
    assert ["id", "status", "task"] == header.split("\t")[:3]
    assert [str(job.id), "queued", "shop.mail"] == line.split("\t")[:3]


def test_a_bad_filter_is_wrong_usage(pgqueue: "Command") -> None:
    result = pgqueue("jobs", "list", "--status", "broken")

    assert 2 == result.code
    assert "broken" in result.err


def test_show_prints_the_attempts(
    pgqueue: "Command", client: Client, fail_queued_jobs: Callable[[], None]
) -> None:
    job = client.enqueue("shop.mail")
    fail_queued_jobs()

    result = pgqueue("jobs", "show", job.id)

    assert "failed" in result.out
    assert "Traceback: too hot" in result.out


def test_show_prints_the_last_lines_of_a_long_log(
    pgqueue: "Command", client: Client, link: Link
) -> None:
    job = client.enqueue("shop.mail")
    link.fetch(
        "insert into pgqueue.logs (job_id, attempt, level, message) "
        "select %(id)s, 1, 'INFO', 'line ' || n from generate_series(1, 1500) as n",
        {"id": job.id},
    )

    result = pgqueue("jobs", "show", job.id)

    lines = [line.rpartition("line ")[2] for line in result.out.splitlines() if "line " in line]
    assert [str(n) for n in range(1451, 1501)] == lines


def test_a_retry_by_filter_names_the_jobs_that_it_leaves_alone(
    pgqueue: "Command", client: Client, link: Link, fail_queued_jobs: Callable[[], None]
) -> None:
    once = client.enqueue("shop.mail")
    link.fetch("update pgqueue.jobs set delivery = 'at_most_once'", {})
    often = client.enqueue("shop.mail")
    fail_queued_jobs()

    result = pgqueue("jobs", "retry", "--status", "failed")
    again = pgqueue("jobs", "retry", "--status", "failed")
    none = pgqueue("jobs", "retry", "--status", "failed", "--task", "other")

    left = f"{once.id} left: it is at_most_once, name it by its id"
    assert [f"{often.id} queued", left] == result.out.splitlines()
    assert [left] == again.out.splitlines()
    assert ["nothing found"] == none.out.splitlines()


def test_show_as_json_is_one_document(
    pgqueue: "Command", client: Client, fail_queued_jobs: Callable[[], None]
) -> None:
    job = client.enqueue("shop.mail")
    fail_queued_jobs()

    result = pgqueue("jobs", "show", job.id, "--json")

    assert job.id == result.document["job"]["id"]
    assert ["failed"] == [attempt["outcome"] for attempt in result.document["attempts"]]
    assert [] == result.document["logs"]


def test_show_hides_the_arguments_that_the_task_redacts(
    pgqueue: "Command", client: Client, link: Link
) -> None:
    from bakery import pay

    run(link, tasks.record_tasks([pay.describe()]))
    card = {"number": "4111", "name": "Ada"}
    job = client.enqueue("bakery.pay", {"card": card, "day": "2026-11-23"})

    result = pgqueue("jobs", "show", job.id, "--json")
    listed = pgqueue("jobs", "list", "--json")

    assert {"number": "[redacted]", "name": "Ada"} == result.document["job"]["args"]["card"]
    assert "4111" not in result.out + listed.out


def test_a_missing_job_is_failed_work(pgqueue: "Command") -> None:
    result = pgqueue("jobs", "show", 404)

    assert 1 == result.code
    assert "There is no job 404" in result.err


def test_retry_queues_failed_jobs_again(
    pgqueue: "Command", client: Client, fail_queued_jobs: Callable[[], None]
) -> None:
    job = client.enqueue("shop.mail")
    fail_queued_jobs()

    result = pgqueue("jobs", "retry", "--status", "failed")

    assert 0 == result.code
    assert str(job.id) in result.out
    assert "queued" == client.job(job.id).status


def test_a_dry_run_changes_nothing(pgqueue: "Command", client: Client) -> None:
    job = client.enqueue("shop.mail")

    result = pgqueue("jobs", "cancel", job.id, "--dry-run", "--json")

    assert [job.id] == [row["id"] for row in result.document]
    assert "queued" == client.job(job.id).status


def test_cancel_by_id_leaves_other_jobs_alone(pgqueue: "Command", client: Client) -> None:
    job = client.enqueue("shop.mail")
    other = client.enqueue("shop.mail")

    result = pgqueue("jobs", "cancel", job.id, "--json")

    assert {str(job.id): "cancelled"} == result.document
    assert "queued" == client.job(other.id).status


def test_a_job_that_cannot_be_cancelled_is_failed_work(pgqueue: "Command", client: Client) -> None:
    job = client.enqueue("shop.mail")
    client.cancel(job.id)

    result = pgqueue("jobs", "cancel", job.id)

    assert 1 == result.code


def test_neither_ids_nor_filters_is_wrong_usage(pgqueue: "Command", client: Client) -> None:
    job = client.enqueue("shop.mail")

    result = pgqueue("jobs", "cancel")

    assert 2 == result.code
    assert "queued" == client.job(job.id).status


def test_a_list_takes_several_statuses_and_several_ids(
    pgqueue: "Command", client: Client, fail_queued_jobs: Callable[[], None]
) -> None:
    failed = client.enqueue("shop.mail")
    fail_queued_jobs()
    queued, other = client.enqueue("shop.mail"), client.enqueue("shop.mail")

    by_status = pgqueue("jobs", "list", "--status", "failed,queued", "--json").document
    by_id = pgqueue("jobs", "list", queued.id, failed.id, "--json").document

    assert {failed.id, queued.id, other.id} == {row["id"] for row in by_status}
    assert {queued.id, failed.id} == {row["id"] for row in by_id}


def test_a_job_that_is_left_alone_is_printed_with_the_reason(
    pgqueue: "Command", client: Client
) -> None:
    waiting, running = client.enqueue("shop.mail", queue="later"), client.enqueue("shop.mail")
    with Client(client.database.url) as other:
        other.cancel(waiting.id)

    unused_id = running.id + 99_999

    result = pgqueue("jobs", "cancel", waiting.id, unused_id)

    assert 1 == result.code
    assert [f"{waiting.id} left: it is cancelled", f"{unused_id} there is no such job"] == (
        result.out.splitlines()
    )
    assert f"{running.id} left: it is queued" in pgqueue("jobs", "retry", running.id).out


def test_a_dry_run_prints_the_effect_on_each_job(
    pgqueue: "Command", client: Client, fail_queued_jobs: Callable[[], None]
) -> None:
    failed = client.enqueue("shop.mail")
    fail_queued_jobs()
    queued = client.enqueue("shop.mail")

    rows = pgqueue("jobs", "retry", "--task", "shop.*", "--dry-run", "--json").document

    assert {failed.id: "queued", queued.id: "left: it is queued"} == {
        row["id"]: row["outlook"] for row in rows
    }


def test_arguments_are_shown_as_json(pgqueue: "Command", client: Client) -> None:
    job = client.enqueue("shop.mail", {"prices": [1.5, True, None]})

    assert '{"prices": [1.5, true, null]}' in pgqueue("jobs", "show", job.id).out


def test_a_locked_job_is_named_and_the_others_are_cancelled(
    pgqueue: "Command", client: Client, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(session.SETTINGS, "lock_timeout", "300ms")
    locked, other, last = (client.enqueue("shop.mail") for _ in range(3))

    with link.raw.transaction():
        link.fetch("select from pgqueue.jobs where id = %(id)s for update", {"id": locked.id})
        result = pgqueue("jobs", "cancel", locked.id, other.id)
        as_json = pgqueue("jobs", "cancel", locked.id, last.id, "--json")

    assert [
        f"{locked.id} left: another transaction has locked it",
        f"{other.id} cancelled",
    ] == result.out.splitlines()
    assert 1 == result.code
    assert {str(locked.id): "locked", str(last.id): "cancelled"} == as_json.document
