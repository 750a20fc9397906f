"""The other commands, and what all share: exit codes, where the database comes from."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pgqueue.client.client import Client
from pgqueue.store import tasks
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run

if TYPE_CHECKING:
    from tests.cli.conftest import Command

NOBODY = "postgresql://postgres@127.0.0.1:1/none"


def test_an_unknown_option_is_wrong_usage(command: "Command") -> None:
    assert 2 == command("jobs", "list", "--colour").code


def test_a_database_that_does_not_answer_has_its_own_code(command: "Command") -> None:
    said = command("jobs", "list", "--url", NOBODY)

    assert 3 == said.code
    assert "cannot be used" in said.err


def test_a_schema_that_was_never_migrated_says_what_to_run(at: "Command") -> None:
    said = at("enqueue", "nowhere.work", "--schema", "elsewhere")

    assert 3 == said.code
    assert "pgqueue migrate" in said.err


def test_a_worker_never_migrates_a_server_of_the_users(at: "Command") -> None:
    said = at("worker", "--burst", "--schema", "elsewhere")

    assert 3 == said.code
    assert "pgqueue migrate" in said.err


def test_a_bad_setting_is_wrong_usage(at: "Command") -> None:
    said = at("worker", "--burst", "--greenlets", 0)

    assert 2 == said.code
    assert "greenlets" in said.err


def test_config_tells_origins_and_no_password(command: "Command") -> None:
    said = command("config", "--url", "postgresql://ada:secret@db/shop", "--json")

    rows = {row["name"]: row for row in said.document}
    assert "--url" == rows["url"]["origin"]
    assert "the default" == rows["schema"]["origin"]
    assert "secret" not in said.out
    assert "ada" in rows["url"]["value"]


def test_migrate_brings_a_schema_up_to_date(at: "Command") -> None:
    planned = at("migrate", "--schema", "elsewhere", "--plan", "--json")
    applied = at("migrate", "--schema", "elsewhere", "--json")
    again = at("migrate", "--schema", "elsewhere", "--json")

    assert planned.document == applied.document != []
    assert [] == again.document


def test_migrate_prints_sql_without_a_database(command: "Command") -> None:
    said = command("migrate", "--sql")

    assert 0 == said.code
    assert "create table" in said.out.lower()


def test_a_task_that_no_worker_knows_is_told_of_the_queue_and_of_the_job(
    at: "Command", link: Link, client: Client
) -> None:
    job = client.enqueue("shop.gone", queue="mail")
    link.raw.execute(
        "insert into pgqueue.workers "
        "(supervisor_id, executor, slots, host, queues, lease_until, unknown_tasks) values "
        "(1, 'greenlet', 1, 'here', '{mail}', clock_timestamp() + interval '1 h', '{shop.gone}')"
    )

    [told] = at("tasks", "unknown", "--json").document
    printed = at("tasks", "unknown").out
    shown = at("jobs", "show", str(job.id)).out

    assert ("shop.gone", "mail", 1) == (told["task"], told["queue"], told["job_count"])
    since = f"{job.created_at:%Y-%m-%d %H:%M:%S}"
    assert f"shop.gone\tmail\t1\t{since}" in printed
    assert f"no worker knows its task since {since}" in shown


def test_tasks_are_those_that_workers_recorded(at: "Command", link: Link) -> None:
    from bakery import bake

    run(link, tasks.record_tasks([bake.describe()]))

    listed = at("tasks", "list", "--json")
    shown = at("tasks", "show", "bakery.bake")

    assert ["bakery.bake"] == [row["name"] for row in listed.document]
    assert "loaves: int" in shown.out
    assert "Bake loaves of bread." in shown.out


def test_a_task_that_nobody_recorded_is_wrong_usage(at: "Command") -> None:
    assert 2 == at("tasks", "show", "bakery.bake").code


def test_logs_of_a_missing_job_are_failed_work(at: "Command") -> None:
    assert 1 == at("logs", 404).code


def test_following_a_final_job_ends(
    at: "Command", client: Client, fail: Callable[[], None]
) -> None:
    job = client.enqueue("shop.mail")
    fail()

    said = at("logs", job.id, "--follow", "--json")

    assert 0 == said.code
    assert "" == said.out


def test_a_burst_runs_what_was_enqueued(process: "Command") -> None:
    job_id = int(process("enqueue", "bakery.tell", "--tasks", "bakery").out)

    worked = process("worker", "--burst", "--tasks", "bakery")
    shown = process("jobs", "show", job_id, "--json").document
    logs = process("logs", job_id)

    assert 0 == worked.code, worked.err
    assert "succeeded" == shown["job"]["status"]
    assert "kneading" in logs.out


def test_a_broken_module_stops_the_worker_as_wrong_usage(process: "Command") -> None:
    said = process("worker", "--burst", "--tasks", "nowhere")

    assert 2 == said.code
    assert "nowhere" in said.err


@pytest.mark.parametrize("room", ["sqlalchemy", "alembic", "gevent", "pydantic"])
def test_a_supervisor_does_without_heavy_libraries(room: str) -> None:
    program = "import json, sys; import pgqueue.cli.app; print(json.dumps(list(sys.modules)))"
    root = Path(__file__).parents[2]

    said = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)

    assert room not in json.loads(said.stdout)


def test_a_log_line_is_one_line_and_harmless(
    at: "Command", client: Client, link: Link, fail: Callable[[], None]
) -> None:
    job = client.enqueue("shop.mail")
    fail()
    link.raw.execute(
        "insert into pgqueue.logs (job_id, attempt, logged_at, level, logger, message) "
        "values (%s, 1, now(), 'INFO', 'shop', E'one\\ntwo\\r\\x1b[31mred\\u202e')",
        [job.id],
    )

    said = at("logs", job.id)
    followed = at("logs", job.id, "--follow", "--json")

    assert "one\\ntwo\\r\\x1b[31mred\\u202e" in said.out
    assert 1 == len(said.out.splitlines())
    assert "one\ntwo" in json.loads(followed.out)["message"]


def test_a_task_that_nobody_recorded_is_named_with_its_neighbour(at: "Command", link: Link) -> None:
    link.raw.execute("insert into pgqueue.tasks (name, signature) values ('shop.mail', '()')")

    assert "Did you mean 'shop.mail'?" in at("tasks", "show", "shop.mails").err


def test_the_release_is_told(at: "Command") -> None:
    assert f"pgqueue {version('pgqueue')}\n" == at("--version").out


@pytest.mark.parametrize("url", ["nonsense", "mysql://shop:secret@here/x"])
def test_a_url_that_cannot_be_read_is_wrong_usage(
    at: "Command", monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("PGQUEUE_URL", url)

    said = at("jobs", "list")

    assert 2 == said.code
    assert "postgresql://" in said.err
    assert "secret" not in said.err


def test_a_missing_schema_is_named(at: "Command") -> None:
    said = at("jobs", "list", "--schema", "elsewhere")

    assert 3 == said.code
    assert "'elsewhere'" in said.err


def test_config_warns_of_variables_that_mean_nothing(
    at: "Command", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGQUEUE_GREENLET", "5")

    assert "PGQUEUE_GREENLETS" in at("config").err


def test_enqueue_finds_the_tasks_module_by_itself(at: "Command") -> None:
    mistyped = at("enqueue", "bakery.bka", "loaves=1")
    unfit = at("enqueue", "bakery.bake", "loves=1")

    assert (2, 2) == (mistyped.code, unfit.code)
    assert "Did you mean 'bakery.bake'?" in mistyped.err
    assert "loaves" in unfit.err


def test_enqueue_warns_of_a_name_that_no_worker_recorded(at: "Command", link: Link) -> None:
    link.raw.execute("insert into pgqueue.tasks (name, signature) values ('nowhere.mail', '()')")

    said = at("enqueue", "nowhere.mails")

    assert 0 == said.code
    assert "Did you mean 'nowhere.mail'?" in said.err


def test_what_is_no_json_is_text(at: "Command") -> None:
    assert '"NaN"' in at("run", "bakery.bake", "loaves=1", "flour=NaN").out


def test_a_task_that_enqueues_can_be_run(at: "Command", client: Client) -> None:
    said = at("run", "bakery.order")

    assert 0 == said.code
    assert ["bakery.bake"] == [job.task for job in client.jobs()]


def test_unknown_tasks_without_a_worker_say_why_there_are_none(at: "Command") -> None:
    said = at("tasks", "unknown")

    assert 0 == said.code
    assert "No worker runs" in said.err
