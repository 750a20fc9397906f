"""A loop goes on whatever its turn raises."""

import threading

import pytest

from pgqueue.core.errors import SchemaTooNew
from pgqueue.process.loop import Loop
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link


class Stumbling(Loop):
    """Raises on its first turn, and tells of its second."""

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


def test_a_connection_that_finds_another_schema_is_told_so(database_url: str, link: Link) -> None:
    told: list[SchemaTooNew] = []
    loop = Stumbling(Database(database_url), ValueError())
    loop.error = None
    loop.run_once()
    link.fetch("update pgqueue.schema_version set version_num = '9999', serves = '{}'", {})

    loop.run_once()  # what is connected goes on
    loop.close()
    with pytest.raises(SchemaTooNew, match="9999") as caught:
        loop.run_once()
    loop.on_schema_too_new = told.append
    loop._after(caught.value)

    assert [caught.value] == told


def test_what_keeps_the_jobs_that_run_goes_on_with_any_schema(
    database_url: str, link: Link
) -> None:
    link.fetch("update pgqueue.schema_version set version_num = '9999', serves = '{}'", {})
    loop = Stumbling(Database(database_url), ValueError())
    loop.error = None
    loop.needs_schema = False

    loop.run_once()
    loop.close()

    assert loop.has_gone_on.is_set()
