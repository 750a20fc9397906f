"""The supervisor's own life, apart from its children's."""

import os
import signal
import threading
import time

import pytest

from pgqueue.core.settings import load_settings
from pgqueue.process.supervisor import UNWIND_SECONDS, Supervisor, compare_connections
from pgqueue.store.connect import Database, Link


def test_a_start_that_is_never_answered_does_not_hold_up_the_end(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings({"url": database_url, "grace_seconds": 0.0})
    supervisor = Supervisor(Database(database_url), settings)
    monkeypatch.setattr(supervisor._leases, "ask", lambda statement, then: None)
    begun = time.monotonic()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()

    code = supervisor.run()

    assert 0 == code
    assert time.monotonic() - begun < UNWIND_SECONDS + 5


@pytest.mark.own_session
def test_a_supervisor_that_may_want_more_connections_than_there_are_says_so(
    link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    for processes in (1, 1_000):
        compare_connections(link, load_settings({"processes": processes, "cpus": 1}))

    [told] = [each.__dict__ for each in caplog.records if "max_connections" in each.message]
    assert 3 + 2 * (1_000 + 1 + 1) == told["wanted"]
    assert 0 < told["taken"] < told["allowed"] < told["wanted"]
