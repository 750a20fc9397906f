"""Shorthands for the tests of the client's verbs."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from pgqueue.client.client import Client
from pgqueue.core.new_job import NewJob
from pgqueue.store import tasks
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run


@pytest.fixture
def jobs_by_name(client: Client) -> dict[str, int]:
    """Five jobs of different kinds: their ids, by a name for each."""
    jobs = {
        "mail": NewJob("shop.mail", '{"to": 7, "cc": [1, 2]}', queue="mail", tags=("a", "b")),
        "mail_eu": NewJob("shop.mail_eu", '{"to": 8}', queue="mail/eu", tags=("a",)),
        "mailbox": NewJob("shopXmail", '{"to": "7"}', queue="mailbox"),
        "later": NewJob("tests.mail", run_after=60.0),
        "odd": NewJob("odd%_\\task", '{"deep": {"list": [{"x": null}]}}'),
    }
    return {name: client.insert(new).id for name, new in jobs.items()}


@pytest.fixture
def record_task(link: Link) -> Callable[..., None]:
    """Records a task by name, as a worker does."""

    def record(
        name: str, options: dict[str, Any] | None = None, aliases: list[str] | None = None
    ) -> None:
        task = {"name": name, "signature": "()", "docstring": "", "options": options or {}}
        run(link, tasks.record_tasks([{**task, "aliases": aliases or []}]))

    return record


@pytest.fixture
def wait_for_blocked_session(link: Link) -> Callable[[], None]:
    """Returns when another session waits for a lock of the link's transaction."""

    def wait() -> None:
        until = time.monotonic() + 30
        # pg_stat_activity keeps its first answer for the whole transaction; pg_locks does not.
        blocked = "select pid from pg_locks where pg_backend_pid() = any(pg_blocking_pids(pid))"
        while not link.fetch(blocked, {}):
            assert time.monotonic() < until, "no session waits"

    return wait
