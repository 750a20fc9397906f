"""A room in which one scenario after the other is played."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from room import Room

from pgqueue.store.connect import Database


@pytest.fixture(scope="module")
def room(
    fresh_database: Callable[[str], AbstractContextManager[str]], entrance_url: str
) -> Iterator[Room]:
    """A database at hand; one for all mutants, as each scenario begins by emptying it."""
    with fresh_database(entrance_url) as url:
        link = Database(url).open()
        yield Room(link)
        link.close()
