"""What the tests of the store arrange: workers, jobs and attempts in hand."""

import pytest

from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link


@pytest.fixture
def other_link(database_url: str, request: pytest.FixtureRequest) -> Link:
    """Another connection to the same database."""
    link = Database(database_url).open()
    request.addfinalizer(link.close)
    return link
