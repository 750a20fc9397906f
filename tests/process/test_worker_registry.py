"""When a supervisor renews its leases, and what it learns from it."""

from collections.abc import Callable
from typing import Any

import pytest
from manual_clock import ManualClock
from registering import supervisor

from pgqueue.process.counters import Usage
from pgqueue.process.turns import Turns
from pgqueue.process.worker_registry import WorkerRegistry
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link


@pytest.fixture
def registry(
    link: Link, database_url: str, request: pytest.FixtureRequest
) -> Callable[..., WorkerRegistry]:
    """Makes registries that are closed afterwards."""

    def make(supervisor_id: int, **options: Any) -> WorkerRegistry:
        arguments: dict[str, Any] = {
            "lease_seconds": 30.0,
            "heartbeat_seconds": 5.0,
            "turns": Turns(),
            **options,
        }
        made = WorkerRegistry(
            Database(database_url),
            supervisor_id=supervisor_id,
            on_renewed=lambda expired, sent_at: None,
            usage=lambda: Usage(10, 0, None),
            clock=ManualClock(),
            **arguments,
        )
        request.addfinalizer(made.close)
        return made

    return make


@pytest.mark.parametrize(
    ("lease_seconds", "is_idle", "pause"),
    [(30.0, False, 5.0), (30.0, True, 10.0), (12.0, True, 5.0), (18.0, True, 6.0)],
)
@pytest.mark.own_session
def test_an_idle_supervisor_renews_half_as_often_if_a_lease_lasts_for_three_renewals(
    link: Link,
    registry: Callable[..., WorkerRegistry],
    lease_seconds: float,
    is_idle: bool,
    pause: float,
) -> None:
    renewing = registry(supervisor(link), lease_seconds=lease_seconds, is_idle=lambda: is_idle)

    assert pause == renewing.run_once()


@pytest.mark.own_session
def test_a_renewal_counts_the_live_supervisors(
    link: Link, registry: Callable[..., WorkerRegistry]
) -> None:
    turns = Turns()
    own = supervisor(link, "mail")
    for queue in ("mail", "news"):
        supervisor(link, queue)

    registry(own, turns=turns).run_once()

    assert (3, 2) == (turns.supervisors, turns.peers)


@pytest.mark.own_session
def test_a_renewal_finds_out_that_the_row_was_lost(
    link: Link, registry: Callable[..., WorkerRegistry]
) -> None:
    turns = Turns()
    renewing = registry(supervisor(link), turns=turns, heartbeat_seconds=0.0)
    renewing.run_once()
    before = turns.is_recorded
    link.fetch("delete from pgqueue.supervisors", {})

    renewing.run_once()

    assert (True, False) == (before, turns.is_recorded)


@pytest.mark.own_session
def test_a_supervisor_counts_as_live_for_some_renewals_and_not_for_a_long_lease(
    link: Link, registry: Callable[..., WorkerRegistry]
) -> None:
    registry(supervisor(link), lease_seconds=3600.0, is_idle=lambda: True).run_once()

    [(seconds,)] = link.fetch(
        "select extract(epoch from lease_until - last_seen_at)::float8 from pgqueue.supervisors", {}
    )
    assert 25.0 == pytest.approx(seconds, abs=1.0)
