"""`pgqueue jobs`: list, show, retry and cancel."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pgqueue.client.client import Client
from pgqueue.store import tasks
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run

if TYPE_CHECKING:
    from tests.cli.conftest import Command


def test_filters_choose_the_jobs(at: "Command", client: Client) -> None:
    wanted = client.enqueue("shop.mail", {"user_id": 7}, queue="mail")
    client.enqueue("shop.mail", {"user_id": 8}, queue="mail")
    client.enqueue("bank.mail", {"user_id": 7})

    said = at("jobs", "list", "--task", "shop.*", "--args", '{"user_id": 7}', "--json")

    assert [wanted.id] == [row["id"] for row in said.document]
    assert 0 == said.code


def test_piped_rows_are_lines_with_tabs(at: "Command", client: Client) -> None:
    job = client.enqueue("shop.mail")

    said = at("jobs", "list")

    header, line = said.out.splitlines()
    assert ["id", "status", "task"] == header.split("\t")[:3]
    assert [str(job.id), "queued", "shop.mail"] == line.split("\t")[:3]


def test_a_bad_filter_is_wrong_usage(at: "Command") -> None:
    said = at("jobs", "list", "--status", "broken")

    assert 2 == said.code
    assert "broken" in said.err


def test_show_tells_of_the_attempts(
    at: "Command", client: Client, fail: Callable[[], None]
) -> None:
    job = client.enqueue("shop.mail")
    fail()

    said = at("jobs", "show", job.id)

    assert "failed" in said.out
    assert "Traceback: too hot" in said.out


def test_show_prints_the_last_lines_of_a_long_log(
    at: "Command", client: Client, link: Link
) -> None:
    job = client.enqueue("shop.mail")
    link.fetch(
        "insert into pgqueue.logs (job_id, attempt, level, message) "
        "select %(id)s, 1, 'INFO', 'line ' || n from generate_series(1, 1500) as n",
        {"id": job.id},
    )

    said = at("jobs", "show", job.id)

    lines = [line.rpartition("line ")[2] for line in said.out.splitlines() if "line " in line]
    assert [str(n) for n in range(1451, 1501)] == lines


def test_a_retry_by_filter_names_what_it_passes_over(
    at: "Command", client: Client, link: Link, fail: Callable[[], None]
) -> None:
    once = client.enqueue("shop.mail")
    link.fetch("update pgqueue.jobs set delivery = 'at_most_once'", {})
    often = client.enqueue("shop.mail")
    fail()

    said = at("jobs", "retry", "--status", "failed")
    again = at("jobs", "retry", "--status", "failed")
    none = at("jobs", "retry", "--status", "failed", "--task", "other")

    left = f"{once.id} left: it is at_most_once, name it by its id"
    assert [f"{often.id} queued", left] == said.out.splitlines()
    assert [left] == again.out.splitlines()
    assert ["nothing found"] == none.out.splitlines()


def test_show_as_json_is_one_document(
    at: "Command", client: Client, fail: Callable[[], None]
) -> None:
    job = client.enqueue("shop.mail")
    fail()

    said = at("jobs", "show", job.id, "--json")

    assert job.id == said.document["job"]["id"]
    assert ["failed"] == [each["outcome"] for each in said.document["attempts"]]
    assert [] == said.document["logs"]


def test_show_hides_what_the_task_redacts(at: "Command", client: Client, link: Link) -> None:
    from bakery import pay

    run(link, tasks.record_tasks([pay.describe()]))
    card = {"number": "4111", "name": "Ada"}
    job = client.enqueue("bakery.pay", {"card": card, "day": "2026-11-23"})

    said = at("jobs", "show", job.id, "--json")
    listed = at("jobs", "list", "--json")

    assert {"number": "[redacted]", "name": "Ada"} == said.document["job"]["args"]["card"]
    assert "4111" not in said.out + listed.out


def test_a_missing_job_is_failed_work(at: "Command") -> None:
    said = at("jobs", "show", 404)

    assert 1 == said.code
    assert "There is no job 404" in said.err


def test_retry_queues_what_failed_again(
    at: "Command", client: Client, fail: Callable[[], None]
) -> None:
    job = client.enqueue("shop.mail")
    fail()

    said = at("jobs", "retry", "--status", "failed")

    assert 0 == said.code
    assert str(job.id) in said.out
    assert "queued" == client.job(job.id).status


def test_a_dry_run_changes_nothing(at: "Command", client: Client) -> None:
    job = client.enqueue("shop.mail")

    said = at("jobs", "cancel", job.id, "--dry-run", "--json")

    assert [job.id] == [row["id"] for row in said.document]
    assert "queued" == client.job(job.id).status


def test_cancel_takes_ids(at: "Command", client: Client) -> None:
    job = client.enqueue("shop.mail")
    other = client.enqueue("shop.mail")

    said = at("jobs", "cancel", job.id, "--json")

    assert {str(job.id): "cancelled"} == said.document
    assert "queued" == client.job(other.id).status


def test_a_job_that_cannot_be_cancelled_is_failed_work(at: "Command", client: Client) -> None:
    job = client.enqueue("shop.mail")
    client.cancel(job.id)

    said = at("jobs", "cancel", job.id)

    assert 1 == said.code


def test_neither_ids_nor_filters_is_wrong_usage(at: "Command", client: Client) -> None:
    job = client.enqueue("shop.mail")

    said = at("jobs", "cancel")

    assert 2 == said.code
    assert "queued" == client.job(job.id).status


def test_several_statuses_and_ids_choose_jobs(
    at: "Command", client: Client, fail: Callable[[], None]
) -> None:
    failed = client.enqueue("shop.mail")
    fail()
    queued, other = client.enqueue("shop.mail"), client.enqueue("shop.mail")

    by_status = at("jobs", "list", "--status", "failed,queued", "--json").document
    by_id = at("jobs", "list", queued.id, failed.id, "--json").document

    assert {failed.id, queued.id, other.id} == {row["id"] for row in by_status}
    assert {queued.id, failed.id} == {row["id"] for row in by_id}


def test_what_is_left_says_why(at: "Command", client: Client) -> None:
    waiting, running = client.enqueue("shop.mail", queue="later"), client.enqueue("shop.mail")
    with Client(client.database.url) as other:
        other.cancel(waiting.id)

    nobodys = running.id + 99_999

    said = at("jobs", "cancel", waiting.id, nobodys)

    assert 1 == said.code
    assert [f"{waiting.id} left: it is cancelled", f"{nobodys} there is no such job"] == (
        said.out.splitlines()
    )
    assert f"{running.id} left: it is queued" in at("jobs", "retry", running.id).out


def test_a_dry_run_tells_what_would_become_of_each(
    at: "Command", client: Client, fail: Callable[[], None]
) -> None:
    failed = client.enqueue("shop.mail")
    fail()
    queued = client.enqueue("shop.mail")

    rows = at("jobs", "retry", "--task", "shop.*", "--dry-run", "--json").document

    assert {failed.id: "queued", queued.id: "left: it is queued"} == {
        row["id"]: row["outlook"] for row in rows
    }


def test_arguments_are_shown_as_they_are_given(at: "Command", client: Client) -> None:
    job = client.enqueue("shop.mail", {"prices": [1.5, True, None]})

    assert '{"prices": [1.5, true, null]}' in at("jobs", "show", job.id).out
