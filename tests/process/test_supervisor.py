"""The supervisor's own life, apart from its children's."""

import os
import signal
import threading
import time

import pytest

from pgqueue.core.settings import load_settings
from pgqueue.process.child import UNWIND_SECONDS
from pgqueue.process.supervisor import Supervisor, compare_connections
from pgqueue.process.worker_registry import WorkerRegistry
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link


def test_a_registration_that_is_never_answered_does_not_delay_the_end(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WorkerRegistry, "submit", lambda self, statement, then: None)
    settings = load_settings({"url": database_url, "grace_seconds": 0.0})
    supervisor = Supervisor(Database(database_url), settings)
    started_at = time.monotonic()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()

    code = supervisor.run()

    assert 0 == code
    assert [] == supervisor.worker_ids
    assert time.monotonic() - started_at < UNWIND_SECONDS + 5


@pytest.mark.own_session
def test_a_supervisor_that_may_want_more_connections_than_there_are_says_so(
    link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    for processes in (1, 1_000):
        compare_connections(link, load_settings({"processes": processes, "cpus": 1}))

    [fields] = [
        record.__dict__ for record in caplog.records if record.message == "connections short"
    ]
    assert 3 + 2 * (1_000 + 1 + 1) == fields["wanted"]
    assert 0 < fields["taken"] < fields["allowed"] < fields["wanted"]
