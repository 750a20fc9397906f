"""What the tests of the store arrange: workers, jobs and attempts in hand."""

import pytest
from room import Room

from pgqueue.store.connect import Database, Link


@pytest.fixture
def room(link: Link) -> Room:
    """An empty database, at hand."""
    return Room(link)


@pytest.fixture
def other_link(database_url: str, request: pytest.FixtureRequest) -> Link:
    """Another connection to the same database."""
    link = Database(database_url).open()
    request.addfinalizer(link.close)
    return link
