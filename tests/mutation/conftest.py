"""One database for all scenarios."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from queue_database import QueueDatabase

from pgqueue.store.connection.database import Database


@pytest.fixture(scope="module")
def db(
    fresh_database: Callable[[str], AbstractContextManager[str]], entrance_url: str
) -> Iterator[QueueDatabase]:
    """One database for all mutants; each scenario empties it first."""
    with fresh_database(entrance_url) as url:
        link = Database(url).open()
        yield QueueDatabase(link)
        link.close()
