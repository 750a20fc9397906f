"""What a task redacts is in its arguments and nowhere else."""

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
    from tests.security.conftest import Burst, Crowd

APP = Path(__file__).parent / "app"
CANARY = '4111-cAnArY-"it\'s"-ü'
FORMS = [CANARY, repr(CANARY)[1:-1], json.dumps(CANARY)[1:-1], "cAnArY"]
CARD = {"card": {"number": CANARY, "name": "Ada"}}
KINDS = ["vault.pay", "vault.pay_async", "vault.pay_apart"]

Say = Callable[..., str]


@pytest.fixture
def say(
    database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Say:
    """What a command prints, on either stream."""
    monkeypatch.syspath_prepend(str(APP))
    monkeypatch.setenv("PGQUEUE_URL", database_url)

    def call(*words: object) -> str:
        main([str(word) for word in words])
        said = capsys.readouterr()
        return said.out + said.err

    return call


def test_a_worker_keeps_a_secret_out_of_all_it_prints_and_stores(
    client: Client, database_url: str, link: Link, burst: "Burst", say: Say
) -> None:
    burst(database_url)
    ids = [client.enqueue(name, CARD).id for name in KINDS]
    ids.append(client.enqueue("vault.pay_by_number", {"card": 41112222}).id)
    ids.append(client.enqueue("vault.pay_from", {"purse": {"number": CANARY}}).id)

    said = burst(database_url, PGQUEUE_LOG_LEVEL="DEBUG")

    stored = _stored(link)
    shown = [say("jobs", "show", each) for each in ids] + [say("logs", each) for each in ids]
    shown += [say("jobs", "show", each, "--json") for each in ids]
    shown += [say("jobs", "list", "--json"), say("jobs", "list"), say("tasks", "show", "vault.pay")]
    assert {JobStatus.FAILED} == {client.job(each).status for each in ids}, said.stderr
    for text in (said.stdout, said.stderr, stored, *shown):
        assert [] == [form for form in (*FORMS, "41112222") if form in text]
    assert "card {'name': 'Ada', 'number': '[redacted]'} refused" in stored
    assert "charging [redacted]" in said.stderr
    assert CARD == client.job(ids[0]).args


def test_enqueueing_and_running_by_hand_show_no_secret(say: Say, client: Client) -> None:
    args = json.dumps(CARD)
    texts = [
        say("enqueue", "vault.pay", args, "--json"),
        say("enqueue", "vault.pay", args, "--json", "--tasks", "vault"),
        say("enqueue", "vault.pay_from", json.dumps({"purse": CARD["card"]}), "--tasks", "vault"),
        say("run", "vault.pay", args),
        say("run", "vault.pay_from", json.dumps({"purse": {"number": CANARY}})),
    ]

    # The first is left out: nobody there knew the task, nor what is secret in it.
    assert 2 == client.count()
    assert [] == [form for form in FORMS for text in texts[1:] if form in text]


def test_who_may_not_know_what_is_secret_is_shown_no_argument(crowd: "Crowd", say: Say) -> None:
    said = say(
        "enqueue", "elsewhere.pay", json.dumps(CARD), "--json", "--url", crowd.url("producer")
    )

    assert '"args": "[redacted]"' in said


def test_arguments_that_cannot_be_read_are_hidden_whole(
    say: Say, client: Client, link: Link
) -> None:
    link.fetch("alter domain pgqueue.job_args drop constraint job_args_numbers_check", {})
    link.fetch(
        "insert into pgqueue.jobs (task, args) values ('vault.pay', %(args)s::text::jsonb)",
        {"args": '{"card": {"number": "cAnArY"}, "n": 1e5000}'},
    )
    said = say("enqueue", "vault.look_around", "--tasks", "vault")

    listed = say("jobs", "list", "--json")

    assert said
    assert "cAnArY" not in listed


def test_a_job_that_is_logged_shows_no_arguments(client: Client) -> None:
    job: Job = client.insert(NewJob("vault.pay", json.dumps(CARD)))

    assert "cAnArY" not in f"{job!r} {NewJob('t', json.dumps(CARD))!r}"
    assert "vault.pay" in repr(job)


def _stored(link: Link) -> str:
    """All that the database holds, without the arguments."""
    [(text,)] = link.fetch(
        """
        select string_agg(each, '')
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
        ) as stored (each)
        """,
        {},
    )
    return str(text)
