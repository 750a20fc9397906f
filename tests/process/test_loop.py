"""A loop goes on whatever its turn raises."""

import queue
import threading

import pytest

from pgqueue.core.errors import SchemaTooNew
from pgqueue.core.events.event import listen
from pgqueue.process.loop import Loop
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link


class Stumbling(Loop):
    """Raises on its first turn, and sets an event on its second."""

    def __init__(self, database: Database, error: BaseException) -> None:
        super().__init__("stumbling", database)
        self.error: BaseException | None = error
        self.has_gone_on = threading.Event()

    def turn(self, link: Link) -> float:
        """Raise once."""
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.has_gone_on.set()
        return 60.0


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_loop_goes_on_after_any_error(database_url: str, kind: type[BaseException]) -> None:
    loop = Stumbling(Database(database_url), kind("wrong"))

    loop.start()
    has_gone_on = loop.has_gone_on.wait(30)
    loop.stop()

    assert has_gone_on


def test_a_loop_goes_on_after_a_listener_that_exits(database_url: str) -> None:
    def leave(event: object) -> None:
        raise SystemExit("the listener exits")

    stops = [listen(name, leave) for name in ("loop.failed", "loop.resumed")]
    loop = Stumbling(Database(database_url), ValueError("wrong"))

    loop.start()
    has_gone_on = loop.has_gone_on.wait(30)
    loop.stop()
    for stop in stops:
        stop()

    assert has_gone_on


@pytest.mark.parametrize("event", ["loop.failed", "loop.resumed"])
def test_a_loop_goes_on_after_a_listener_that_is_interrupted(database_url: str, event: str) -> None:
    def interrupt(event: object) -> None:
        raise KeyboardInterrupt

    stop = listen(event, interrupt)
    loop = Stumbling(Database(database_url), ValueError("wrong"))

    loop.start()
    has_gone_on = loop.has_gone_on.wait(30)
    loop.stop()
    stop()

    assert has_gone_on


def test_a_new_connection_to_another_schema_is_reported(database_url: str, link: Link) -> None:
    errors = queue.SimpleQueue[SchemaTooNew]()
    loop = Stumbling(Database(database_url), ValueError())
    loop.error = None
    loop.on_schema_too_new = errors.put
    loop.run_once()
    link.fetch("update pgqueue.schema_version set version_num = '9999', serves = '{}'", {})

    loop.run_once()  # a connection from before goes on
    loop.close()
    loop.start()
    error = errors.get(timeout=30)
    loop.stop()

    assert "9999" in str(error)


def test_a_loop_that_keeps_running_jobs_goes_on_with_any_schema(
    database_url: str, link: Link
) -> None:
    link.fetch("update pgqueue.schema_version set version_num = '9999', serves = '{}'", {})
    loop = Stumbling(Database(database_url), ValueError())
    loop.error = None
    loop.needs_schema = False

    loop.run_once()
    loop.close()

    assert loop.has_gone_on.is_set()
