"""`pgqueue enqueue`: one job."""

from typing import TYPE_CHECKING

from pgqueue.client.client import Client

if TYPE_CHECKING:
    from tests.cli.conftest import Command


def test_the_id_is_printed(at: "Command", client: Client) -> None:
    said = at("enqueue", "nowhere.work", "user_id=7", "name=Ada")

    job = client.job(int(said.out))
    assert {"user_id": 7, "name": "Ada"} == job.args
    assert 0 == said.code


def test_options_reach_the_row(at: "Command", client: Client) -> None:
    said = at(
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

    job = client.job(said.document["id"])
    assert ("mail", 5, "scheduled") == (job.queue, job.priority, job.status)


def test_the_task_checks_its_arguments_first(at: "Command", client: Client) -> None:
    said = at("enqueue", "bakery.bake", "loaves=many", "--tasks", "bakery")

    assert 2 == said.code
    assert "bakery.bake(loaves: int" in said.err
    assert [] == client.jobs()


def test_the_task_gives_its_options(at: "Command", client: Client) -> None:
    said = at("enqueue", "bakery.pay", "card={}", "day=2026-11-23", "--tasks", "bakery")

    assert "secrets" == client.job(int(said.out)).queue


def test_a_task_that_the_named_modules_lack_is_refused(at: "Command", client: Client) -> None:
    said = at("enqueue", "bakery.bakee", "--tasks", "bakery")

    assert 2 == said.code
    assert [] == client.jobs()


def test_a_bad_option_is_wrong_usage(at: "Command") -> None:
    said = at("enqueue", "nowhere.work", "--priority", 1000)

    assert 2 == said.code
    assert "priority=1000" in said.err
