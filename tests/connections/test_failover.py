"""After a fail-over to a streaming standby, the fleet works on, and no job is lost."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from chaos.server import Server
from chaos.standby import Standby
from proxied_fleet import ProxiedFleet, running_fleet
from server_folders import server_folder

from pgqueue import DatabaseUnreachable
from pgqueue.client.client import Client


@pytest.fixture
def primary() -> Iterator[Server]:
    """A server that is stopped during the test."""
    with server_folder() as folder:
        started = Server(folder, {"fsync": "off"})
        yield started
        started.close()


@pytest.fixture
def standby(primary: Server) -> Iterator[Standby]:
    """Its hot standby."""
    proxied = Standby(primary)
    yield proxied
    proxied.close()


@pytest.fixture
def fleet(primary: Server, standby: Standby) -> Iterator[ProxiedFleet]:
    """Two supervisors of the primary, which stop before its standby."""
    with running_fleet(primary) as proxied:
        proxied.start_two()
        yield proxied


def test_a_fleet_follows_a_fail_over(
    fleet: ProxiedFleet, primary: Server, standby: Standby
) -> None:
    name = uuid4().hex
    running = fleet.enqueue(name, "depot.tasks.lasting", args={"until": str(fleet.path(name))})
    fleet.until(lambda: running.refresh().status == "running", "running")
    waiting = [fleet.enqueue(name, queue="nobody") for _ in range(20)]
    follower = Client(fleet.url_through)
    follower.tasks()
    since = fleet.log.stat().st_size

    # The fleet is redirected while the standby does not yet take writes.
    fleet.redirect_to(standby.port)
    fleet.until(lambda: fleet.has_logged("read-only transaction", since), "refused")
    with pytest.raises(DatabaseUnreachable, match="read-only"):
        follower.enqueue("depot.tasks.quick", {"key": name})
    primary.stop("immediate")
    standby.promote()
    recovery = fleet.wait_for_recovery()

    follower.enqueue("depot.tasks.quick", {"key": name})
    follower.close()
    with Client(fleet.url_at_primary_of(primary.port, standby.port)) as chooser:
        chooser.enqueue("depot.tasks.quick", {"key": name})
    fleet.release(name)
    fleet.until_final(running)
    assert 1 == running.refresh().attempt
    assert ["queued"] * 20 == [job.refresh().status for job in waiting]
    fleet.assert_nothing_lost_or_repeated()
    print(f"fail-over: {recovery}")
