"""The primary dies and a streaming standby takes over: the fleet follows, and nothing is lost."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from chaos.server import Server
from chaos.standby import Standby
from rig import Rig, running_rig

from pgqueue import DatabaseUnreachable
from pgqueue.client.client import Client


@pytest.fixture
def primary() -> Iterator[Server]:
    """A server that does not live until the end of the test."""
    with tempfile.TemporaryDirectory(prefix="pgqueue-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        started = Server(folder, {"fsync": "off"})
        yield started
        started.close()


@pytest.fixture
def standby(primary: Server) -> Iterator[Standby]:
    """Its hot standby."""
    made = Standby(primary)
    yield made
    made.close()


@pytest.fixture
def rig(primary: Server, standby: Standby) -> Iterator[Rig]:
    """Two supervisors of that server, to be stopped before its standby."""
    with running_rig(primary) as made:
        made.start_two()
        yield made


def test_a_fleet_follows_a_fail_over(rig: Rig, primary: Server, standby: Standby) -> None:
    name = uuid4().hex
    running = rig.enqueue(name, "depot.tasks.lasting", args={"until": str(rig.path(name))})
    rig.until(lambda: running.refresh().status == "running", "running")
    waiting = [rig.enqueue(name, queue="nobody") for _ in range(20)]
    follower = Client(rig.url_through)
    follower.tasks()
    since = rig.log.stat().st_size

    # Led to the standby first, while that takes no writes.
    rig.lead_to(standby.port)
    rig.until(lambda: rig.said("read-only transaction", since), "refused")
    with pytest.raises(DatabaseUnreachable, match="read-only"):
        follower.enqueue("depot.tasks.brief", {"key": name})
    primary.stop("immediate")
    standby.promote()
    recovery = rig.works_again()

    follower.enqueue("depot.tasks.brief", {"key": name})
    follower.close()
    with Client(rig.url_at_primary_of(primary.port, standby.port)) as chooser:
        chooser.enqueue("depot.tasks.brief", {"key": name})
    rig.release(name)
    rig.until_final(running)
    assert 1 == running.refresh().attempt
    assert ["queued"] * 20 == [job.refresh().status for job in waiting]
    rig.check_evidence()
    print(f"fail-over: {recovery}")
