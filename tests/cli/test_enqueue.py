"""`pgqueue enqueue`: one job."""

from typing import TYPE_CHECKING

from pgqueue.client.client import Client

if TYPE_CHECKING:
    from tests.cli.conftest import Command


def test_the_id_is_printed(pgqueue: "Command", client: Client) -> None:
    result = pgqueue("enqueue", "nowhere.work", "user_id=7", "name=Ada")

    job = client.job(int(result.out))
    assert {"user_id": 7, "name": "Ada"} == job.args
    assert 0 == result.code


def test_options_reach_the_row(pgqueue: "Command", client: Client) -> None:
    result = pgqueue(
        *(
            "enqueue",
            "nowhere.work",
            "--queue",
            "mail",
            "--priority",
            5,
            "--run-after",
            60,
            "--json",
        )
    )

    job = client.job(result.document["id"])
    assert ("mail", 5, "scheduled") == (job.queue, job.priority, job.status)


def test_arguments_that_the_task_refuses_enqueue_no_job(pgqueue: "Command", client: Client) -> None:
    result = pgqueue("enqueue", "bakery.bake", "loaves=many", "--tasks", "bakery")

    assert 2 == result.code
    assert "bakery.bake(loaves: int" in result.err
    assert [] == client.jobs()


def test_the_task_decides_the_options_that_the_command_leaves_open(
    pgqueue: "Command", client: Client
) -> None:
    result = pgqueue("enqueue", "bakery.pay", "card={}", "day=2026-11-23", "--tasks", "bakery")

    assert "secrets" == client.job(int(result.out)).queue


def test_a_task_that_the_named_modules_lack_is_refused(pgqueue: "Command", client: Client) -> None:
    result = pgqueue("enqueue", "bakery.bakee", "--tasks", "bakery")

    assert 2 == result.code
    assert [] == client.jobs()


def test_a_bad_option_is_wrong_usage(pgqueue: "Command") -> None:
    result = pgqueue("enqueue", "nowhere.work", "--priority", 1000)

    assert 2 == result.code
    assert "priority=1000" in result.err
