"""A redacted value is only in the arguments of its job."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pgqueue.cli.app import main
from pgqueue.client.client import Client
from pgqueue.core.job import Job
from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.new_job import NewJob
from pgqueue.store.connection.link import Link

if TYPE_CHECKING:
    from tests.security.conftest import Burst, Logins

APP = Path(__file__).parent / "app"
CANARY = '4111-cAnArY-"it\'s"-ü'
FORMS = [CANARY, repr(CANARY)[1:-1], json.dumps(CANARY)[1:-1], "cAnArY"]
CARD = {"card": {"number": CANARY, "name": "Ada"}}
KINDS = ["vault.pay", "vault.pay_async", "vault.pay_apart"]

PrintOf = Callable[..., str]


@pytest.fixture
def print_of(
    database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> PrintOf:
    """A function that returns the output of a command, of both streams."""
    monkeypatch.syspath_prepend(str(APP))
    monkeypatch.setenv("PGQUEUE_URL", database_url)

    def call(*words: object) -> str:
        main([str(word) for word in words])
        output = capsys.readouterr()
        return output.out + output.err

    return call


def test_a_worker_neither_prints_nor_stores_a_secret(
    client: Client, database_url: str, link: Link, burst: "Burst", print_of: PrintOf
) -> None:
    burst(database_url)
    ids = [client.enqueue(name, CARD).id for name in KINDS]
    ids.append(client.enqueue("vault.pay_by_number", {"card": 41112222}).id)
    ids.append(client.enqueue("vault.pay_from", {"purse": {"number": CANARY}}).id)

    output = burst(database_url, PGQUEUE_LOG_LEVEL="DEBUG")

    stored = _stored(link)
    shown = [print_of("jobs", "show", job_id) for job_id in ids] + [
        print_of("logs", job_id) for job_id in ids
    ]
    shown += [print_of("jobs", "show", job_id, "--json") for job_id in ids]
    shown += [
        print_of("jobs", "list", "--json"),
        print_of("jobs", "list"),
        print_of("tasks", "show", "vault.pay"),
    ]
    assert {JobStatus.FAILED} == {client.job(job_id).status for job_id in ids}, output.stderr
    for text in (output.stdout, output.stderr, stored, *shown):
        assert [] == [form for form in (*FORMS, "41112222") if form in text]
    assert "card {'name': 'Ada', 'number': '[redacted]'} refused" in stored
    assert "charging [redacted]" in output.stderr
    assert CARD == client.job(ids[0]).args


def test_enqueueing_and_running_by_hand_show_no_secret(print_of: PrintOf, client: Client) -> None:
    args = json.dumps(CARD)
    texts = [
        print_of("enqueue", "vault.pay", args, "--json"),
        print_of("enqueue", "vault.pay", args, "--json", "--tasks", "vault"),
        print_of(
            "enqueue", "vault.pay_from", json.dumps({"purse": CARD["card"]}), "--tasks", "vault"
        ),
        print_of("run", "vault.pay", args),
        print_of("run", "vault.pay_from", json.dumps({"purse": {"number": CANARY}})),
    ]

    # The first command did not know the task, so it could not redact.
    assert 2 == client.count()
    assert [] == [form for form in FORMS for text in texts[1:] if form in text]


def test_a_user_without_the_right_to_read_tasks_sees_no_argument(
    logins: "Logins", print_of: PrintOf
) -> None:
    output = print_of(
        "enqueue", "elsewhere.pay", json.dumps(CARD), "--json", "--url", logins.url("producer")
    )

    assert '"args": "[redacted]"' in output


def test_unreadable_arguments_are_hidden_entirely(
    print_of: PrintOf, client: Client, link: Link
) -> None:
    link.fetch("alter domain pgqueue.job_args drop constraint job_args_numbers_check", {})
    link.fetch(
        "insert into pgqueue.jobs (task, args) values ('vault.pay', %(args)s::text::jsonb)",
        {"args": '{"card": {"number": "cAnArY"}, "n": 1e5000}'},
    )
    output = print_of("enqueue", "vault.show_processes", "--tasks", "vault")

    listed = print_of("jobs", "list", "--json")

    assert output
    assert "cAnArY" not in listed


def test_the_repr_of_a_job_shows_no_arguments(client: Client) -> None:
    job: Job = client.insert(NewJob("vault.pay", json.dumps(CARD)))

    assert "cAnArY" not in f"{job!r} {NewJob('t', json.dumps(CARD))!r}"
    assert "vault.pay" in repr(job)


def _stored(link: Link) -> str:
    """All text in the database, without the arguments."""
    [(text,)] = link.fetch(
        """
        select string_agg(text, '')
        from (
          select concat(to_jsonb(job) - 'args', job.error, job.progress_message)
          from pgqueue.jobs as job
          union all
          select concat(to_jsonb(attempt), attempt.error_message, attempt.traceback)
          from pgqueue.attempts as attempt
          union all
          select concat(to_jsonb(line), line.message) from pgqueue.logs as line
          union all
          select to_jsonb(worker)::text from pgqueue.workers as worker
        ) as stored (text)
        """,
        {},
    )
    return str(text)
