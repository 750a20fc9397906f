"""A link receives every notification."""

import select
from collections.abc import Callable

import pytest

from pgqueue.store.connection.link import Link


@pytest.mark.own_session
@pytest.mark.parametrize("wait", [Link.notifications, Link.drain])
def test_a_notification_that_a_check_of_the_connection_has_read_is_not_missed(
    link: Link, other_link: Link, wait: Callable[[Link, float], set[str]]
) -> None:
    link.listen(7)
    other_link.fetch("select pg_notify(%(channel)s, '')", {"channel": link.schema.channel(7)})
    assert [link.raw] == select.select([link.raw], [], [], 10.0)[0]

    assert link.is_still_connected()

    assert {""} == wait(link, 0.0)
