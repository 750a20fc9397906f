"""After a lost reply nothing is guessed, and the rows show the truth."""

import os
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from chaos.proxy import Mode, Proxy
from proxied_fleet import ProxiedFleet

from pgqueue import DatabaseUnreachable, ReplyLost
from pgqueue.client.client import Client
from pgqueue.core.new_job import NewJob

# The number of lost replies; a long run sets more.
REPLIES = int(os.environ.get("CONNECTIONS_LOST_REPLIES", "100"))

_QUEUE = "nobody"

# The most important replies are to COMMIT in a transaction of a task.
_PAYMENTS = 3


@pytest.fixture
def proxy(fleet: ProxiedFleet) -> Iterator[Proxy]:
    """A proxy for the client alone, which drops replies."""
    new_proxy = Proxy(fleet.server.port, dropped_share=1.0, stall_share=0.0)
    yield new_proxy
    new_proxy.close()


@pytest.fixture
def client(fleet: ProxiedFleet, proxy: Proxy) -> Iterator[Client]:
    """A client with an idle connection through the proxy."""
    new_client = Client(fleet.url_at(proxy.port))
    new_client.tasks()
    yield new_client
    new_client.close()


def _drop(fleet: ProxiedFleet, proxy: Proxy, mode: Mode) -> None:
    proxy.set(mode)
    fleet.until(lambda: proxy.mode is mode, mode)


def test_a_lost_reply_to_an_enqueue_raises_reply_lost_and_the_job_exists(
    fleet: ProxiedFleet, proxy: Proxy, client: Client
) -> None:
    tag = uuid4().hex
    _drop(fleet, proxy, Mode.DROP_REPLY)

    with pytest.raises(ReplyLost, match="may have done"):
        client.enqueue("depot.tasks.quick", {"key": tag}, queue=_QUEUE, tags=[tag])

    assert 1 == proxy.dropped
    assert [tag] == [job.args["key"] for job in fleet.client.jobs(tags=[tag])]


def test_a_lost_reply_to_a_bulk_commit_raises_and_all_jobs_exist(
    fleet: ProxiedFleet, proxy: Proxy, client: Client
) -> None:
    tag = uuid4().hex
    _drop(fleet, proxy, Mode.DROP_COMMIT)

    with pytest.raises(ReplyLost):
        client.insert_many(NewJob("t", queue=_QUEUE, tags=(tag,)) for _ in range(3))

    assert 3 == fleet.client.count(tags=[tag])


def test_an_unsent_enqueue_raises_database_unreachable_and_no_job_exists(
    fleet: ProxiedFleet, proxy: Proxy, client: Client
) -> None:
    tag = uuid4().hex
    client.close()
    _drop(fleet, proxy, Mode.RESET)

    with pytest.raises(DatabaseUnreachable) as raised:
        client.enqueue("depot.tasks.quick", {"key": tag}, queue=_QUEUE, tags=[tag])

    assert not isinstance(raised.value, ReplyLost)
    assert 0 == fleet.client.count(tags=[tag])


def test_after_a_lost_commit_of_the_caller_the_jobs_id_shows_that_it_exists(
    fleet: ProxiedFleet, proxy: Proxy
) -> None:
    _drop(fleet, proxy, Mode.DROP_COMMIT)

    with (
        pytest.raises(psycopg.OperationalError),
        psycopg.connect(fleet.url_at(proxy.port)) as connection,
    ):
        job = fleet.client.enqueue(
            "depot.tasks.quick", {"key": "k"}, queue=_QUEUE, connection=connection
        )

    assert "queued" == fleet.client.job(job.id).status


def test_a_cancel_and_a_retry_may_be_repeated_after_a_lost_reply(
    fleet: ProxiedFleet, proxy: Proxy, client: Client
) -> None:
    job = fleet.enqueue("k", queue=_QUEUE)

    for verb, status in ((client.cancel, "cancelled"), (client.retry, "queued")):
        _drop(fleet, proxy, Mode.DROP_REPLY)
        with pytest.raises(ReplyLost):
            verb([job.id])
        assert status == job.refresh().status

        _drop(fleet, proxy, Mode.PASS)
        assert {job.id: None} == verb([job.id])
        assert status == job.refresh().status


def test_a_fleet_resolves_every_lost_reply(fleet: ProxiedFleet) -> None:
    fleet.rows("create table if not exists payments (key text not null)")
    keys: list[str] = []
    dropped = fleet.proxy.dropped
    fleet.proxy.dropped_share, fleet.proxy.stall_share = 0.1, 0.0
    fleet.proxy.set(Mode.DROP_REPLY)

    def feed() -> bool:
        open_count = fleet.client.count(status="queued", queue="default")
        for _ in range((60 - open_count) // 5):
            keys.append(uuid4().hex)
            fleet.enqueue(keys[-1])
            fleet.enqueue(keys[-1], "depot.tasks.cautious")
            for _ in range(_PAYMENTS):
                fleet.enqueue(keys[-1], "depot.tasks.paying")
        return fleet.proxy.dropped - dropped >= REPLIES

    fleet.until(feed, "replies dropped", seconds=10 + 0.5 * REPLIES)
    lost = fleet.proxy.dropped - dropped
    fleet.proxy.set(Mode.PASS)

    fleet.assert_nothing_lost_or_repeated()
    payments = dict(fleet.rows("select key, count(*) from payments group by key"))
    assert dict.fromkeys(keys, _PAYMENTS) == payments
    assert [] == fleet.rows(
        "select * from pgqueue.jobs where status <> 'succeeded' "
        "and task in ('depot.tasks.quick', 'depot.tasks.paying') and queue = 'default'"
    )
    assert [] == fleet.rows(
        "select job_id from pgqueue.attempts where outcome = 'succeeded' "
        "group by job_id having count(*) > 1"
    )
    assert [] == [key for key, count in fleet.starts("depot.tasks.cautious").items() if count > 1]
    recovery = fleet.wait_for_recovery()
    print(f"{lost} replies lost, {(2 + _PAYMENTS) * len(keys)} jobs, none stuck; {recovery}")
