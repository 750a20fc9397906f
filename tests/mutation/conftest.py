"""A room in which one scenario after the other is played."""

import pytest
from room import Room

from pgqueue.store.connect import Link


@pytest.fixture
def room(link: Link) -> Room:
    """An empty database, at hand."""
    return Room(link)
