"""The other commands, and the rules of all commands: exit codes, the choice of the database."""

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

UNREACHABLE = "postgresql://postgres@127.0.0.1:1/none"


def test_an_unknown_option_is_wrong_usage(command: "Command") -> None:
    assert 2 == command("jobs", "list", "--colour").code


def test_a_database_that_does_not_answer_has_its_own_code(command: "Command") -> None:
    result = command("jobs", "list", "--url", UNREACHABLE)

    assert 3 == result.code
    assert "cannot be used" in result.err


def test_a_schema_that_was_never_migrated_names_the_command_to_run(pgqueue: "Command") -> None:
    result = pgqueue("enqueue", "nowhere.work", "--schema", "elsewhere")

    assert 3 == result.code
    assert "pgqueue migrate" in result.err


def test_a_worker_never_migrates_a_server_of_the_users(pgqueue: "Command") -> None:
    result = pgqueue("worker", "--burst", "--schema", "elsewhere")

    assert 3 == result.code
    assert "pgqueue migrate" in result.err


def test_a_bad_setting_is_wrong_usage(pgqueue: "Command") -> None:
    result = pgqueue("worker", "--burst", "--greenlets", 0)

    assert 2 == result.code
    assert "greenlets" in result.err


def test_config_prints_origins_and_no_password(command: "Command") -> None:
    result = command("config", "--url", "postgresql://ada:secret@db/shop", "--json")

    rows = {row["name"]: row for row in result.document}
    assert "--url" == rows["url"]["origin"]
    assert "the default" == rows["schema"]["origin"]
    assert "secret" not in result.out
    assert "ada" in rows["url"]["value"]


def test_migrate_brings_a_schema_up_to_date(pgqueue: "Command") -> None:
    planned = pgqueue("migrate", "--schema", "elsewhere", "--plan", "--json")
    applied = pgqueue("migrate", "--schema", "elsewhere", "--json")
    again = pgqueue("migrate", "--schema", "elsewhere", "--json")

    assert planned.document == applied.document != []
    assert [] == again.document


def test_migrate_prints_sql_without_a_database(command: "Command") -> None:
    result = command("migrate", "--sql")

    assert 0 == result.code
    assert "create table" in result.out.lower()


def test_a_task_that_no_worker_knows_is_printed_for_the_queue_and_for_the_job(
    pgqueue: "Command", link: Link, client: Client
) -> None:
    job = client.enqueue("shop.gone", queue="mail")
    link.raw.execute(
        "insert into pgqueue.workers "
        "(id, supervisor_id, executor, slots, host, queues, lease_until, unknown_tasks) values "
        "(1, 1, 'greenlet', 1, 'here', '{mail}', clock_timestamp() + interval '1 h', '{shop.gone}')"
    )

    [unknown] = pgqueue("tasks", "unknown", "--json").document
    printed = pgqueue("tasks", "unknown").out
    shown = pgqueue("jobs", "show", str(job.id)).out

    assert ("shop.gone", "mail", 1) == (unknown["task"], unknown["queue"], unknown["job_count"])
    since = f"{job.created_at:%Y-%m-%d %H:%M:%S}"
    assert f"shop.gone\tmail\t1\t{since}" in printed
    assert f"no worker knows its task since {since}" in shown


def test_the_list_of_tasks_has_the_recorded_ones(pgqueue: "Command", link: Link) -> None:
    from bakery import bake

    run(link, tasks.record_tasks([bake.describe()]))

    listed = pgqueue("tasks", "list", "--json")
    shown = pgqueue("tasks", "show", "bakery.bake")

    assert ["bakery.bake"] == [row["name"] for row in listed.document]
    assert "loaves: int" in shown.out
    assert "Bake loaves of bread." in shown.out


def test_a_task_that_was_never_recorded_is_wrong_usage(pgqueue: "Command") -> None:
    assert 2 == pgqueue("tasks", "show", "bakery.bake").code


def test_logs_of_a_missing_job_are_failed_work(pgqueue: "Command") -> None:
    assert 1 == pgqueue("logs", 404).code


def test_following_a_final_job_ends(
    pgqueue: "Command", client: Client, fail_queued_jobs: Callable[[], None]
) -> None:
    job = client.enqueue("shop.mail")
    fail_queued_jobs()

    result = pgqueue("logs", job.id, "--follow", "--json")

    assert 0 == result.code
    assert "" == result.out


def test_a_burst_runs_the_enqueued_jobs(pgqueue_process: "Command") -> None:
    job_id = int(pgqueue_process("enqueue", "bakery.report", "--tasks", "bakery").out)

    worked = pgqueue_process("worker", "--burst", "--tasks", "bakery")
    shown = pgqueue_process("jobs", "show", job_id, "--json").document
    logs = pgqueue_process("logs", job_id)

    assert 0 == worked.code, worked.err
    assert "succeeded" == shown["job"]["status"]
    assert "kneading" in logs.out


def test_a_broken_module_stops_the_worker_as_wrong_usage(pgqueue_process: "Command") -> None:
    result = pgqueue_process("worker", "--burst", "--tasks", "nowhere")

    assert 2 == result.code
    assert "nowhere" in result.err


@pytest.mark.parametrize("library", ["sqlalchemy", "alembic", "gevent", "pydantic"])
def test_a_supervisor_does_without_heavy_libraries(library: str) -> None:
    program = "import json, sys; import pgqueue.cli.app; print(json.dumps(list(sys.modules)))"
    root = Path(__file__).parents[2]

    result = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True
    )

    assert library not in json.loads(result.stdout)


def test_a_log_line_is_one_line_and_harmless(
    pgqueue: "Command", client: Client, link: Link, fail_queued_jobs: Callable[[], None]
) -> None:
    job = client.enqueue("shop.mail")
    fail_queued_jobs()
    link.raw.execute(
        "insert into pgqueue.logs (job_id, attempt, logged_at, level, logger, message) "
        "values (%s, 1, now(), 'INFO', 'shop', E'one\\ntwo\\r\\x1b[31mred\\u202e')",
        [job.id],
    )

    result = pgqueue("logs", job.id)
    followed = pgqueue("logs", job.id, "--follow", "--json")

    assert "one\\ntwo\\r\\x1b[31mred\\u202e" in result.out
    assert 1 == len(result.out.splitlines())
    assert "one\ntwo" in json.loads(followed.out)["message"]


def test_an_unrecorded_task_is_printed_with_the_nearest_name(
    pgqueue: "Command", link: Link
) -> None:
    link.raw.execute("insert into pgqueue.tasks (name, signature) values ('shop.mail', '()')")

    assert "Did you mean 'shop.mail'?" in pgqueue("tasks", "show", "shop.mails").err


def test_the_release_is_printed(pgqueue: "Command") -> None:
    assert f"pgqueue {version('pgqueue')}\n" == pgqueue("--version").out


@pytest.mark.parametrize("url", ["nonsense", "mysql://shop:secret@here/x"])
def test_a_url_that_cannot_be_read_is_wrong_usage(
    pgqueue: "Command", monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("PGQUEUE_URL", url)

    result = pgqueue("jobs", "list")

    assert 2 == result.code
    assert "postgresql://" in result.err
    assert "secret" not in result.err


def test_a_missing_schema_is_named(pgqueue: "Command") -> None:
    result = pgqueue("jobs", "list", "--schema", "elsewhere")

    assert 3 == result.code
    assert "'elsewhere'" in result.err


def test_config_warns_of_variables_that_are_no_settings(
    pgqueue: "Command", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGQUEUE_GREENLET", "5")

    assert "PGQUEUE_GREENLETS" in pgqueue("config").err


def test_enqueue_imports_the_module_that_the_name_says(pgqueue: "Command") -> None:
    mistyped = pgqueue("enqueue", "bakery.bka", "loaves=1")
    refused = pgqueue("enqueue", "bakery.bake", "loves=1")

    assert (2, 2) == (mistyped.code, refused.code)
    assert "Did you mean 'bakery.bake'?" in mistyped.err
    assert "loaves" in refused.err


def test_enqueue_warns_of_a_name_that_no_worker_recorded(pgqueue: "Command", link: Link) -> None:
    link.raw.execute("insert into pgqueue.tasks (name, signature) values ('nowhere.mail', '()')")

    result = pgqueue("enqueue", "nowhere.mails")

    assert 0 == result.code
    assert "Did you mean 'nowhere.mail'?" in result.err


def test_a_value_that_is_no_json_is_text(pgqueue: "Command") -> None:
    assert '"NaN"' in pgqueue("run", "bakery.bake", "loaves=1", "flour=NaN").out


def test_a_task_that_enqueues_can_be_run(pgqueue: "Command", client: Client) -> None:
    result = pgqueue("run", "bakery.order")

    assert 0 == result.code
    assert ["bakery.bake"] == [job.task for job in client.jobs()]


def test_unknown_tasks_without_a_worker_are_explained(pgqueue: "Command") -> None:
    result = pgqueue("tasks", "unknown")

    assert 0 == result.code
    assert "No worker runs" in result.err
