"""What was done and never answered: nothing is guessed, and the rows say what is true."""

import os
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from chaos.proxy import Mode, Proxy
from rig import Rig

from pgqueue import DatabaseUnreachable, ReplyLost
from pgqueue.client.client import Client
from pgqueue.core.new_job import NewJob

# How many replies one fleet loses; a long run asks for more.
REPLIES = int(os.environ.get("CONNECTIONS_LOST_REPLIES", "100"))

_QUEUE = "nobody"

# Most replies that matter are those to COMMIT in a task's own transaction.
_PAYMENTS = 3


@pytest.fixture
def proxy(rig: Rig) -> Iterator[Proxy]:
    """A proxy for the client alone, which drops the reply to whatever it is told to."""
    made = Proxy(rig.server.port, dropped_share=1.0, silent_share=0.0)
    yield made
    made.close()


@pytest.fixture
def client(rig: Rig, proxy: Proxy) -> Iterator[Client]:
    """A client with an idle connection through the proxy."""
    made = Client(rig.url_at(proxy.port))
    made.tasks()
    yield made
    made.close()


def _drop(rig: Rig, proxy: Proxy, mode: Mode) -> None:
    proxy.set(mode)
    rig.until(lambda: proxy.mode is mode, mode)


def test_a_job_whose_reply_was_lost_is_told_as_unknown_and_is_there(
    rig: Rig, proxy: Proxy, client: Client
) -> None:
    tag = uuid4().hex
    _drop(rig, proxy, Mode.DROP_REPLY)

    with pytest.raises(ReplyLost, match="may have done"):
        client.enqueue("depot.tasks.brief", {"key": tag}, queue=_QUEUE, tags=[tag])

    assert 1 == proxy.dropped
    assert [tag] == [job.args["key"] for job in rig.client.jobs(tags=[tag])]


def test_many_jobs_whose_commit_was_not_answered_are_all_there(
    rig: Rig, proxy: Proxy, client: Client
) -> None:
    tag = uuid4().hex
    _drop(rig, proxy, Mode.DROP_COMMIT)

    with pytest.raises(ReplyLost):
        client.insert_many(NewJob("t", queue=_QUEUE, tags=(tag,)) for _ in range(3))

    assert 3 == rig.client.count(tags=[tag])


def test_a_job_that_was_never_sent_is_told_as_such(rig: Rig, proxy: Proxy, client: Client) -> None:
    tag = uuid4().hex
    client.close()
    _drop(rig, proxy, Mode.RESET)

    with pytest.raises(DatabaseUnreachable) as raised:
        client.enqueue("depot.tasks.brief", {"key": tag}, queue=_QUEUE, tags=[tag])

    assert not isinstance(raised.value, ReplyLost)
    assert 0 == rig.client.count(tags=[tag])


def test_in_a_callers_transaction_the_id_tells_what_became_of_a_commit(
    rig: Rig, proxy: Proxy
) -> None:
    _drop(rig, proxy, Mode.DROP_COMMIT)

    with (
        pytest.raises(psycopg.OperationalError),
        psycopg.connect(rig.url_at(proxy.port)) as connection,
    ):
        job = rig.client.enqueue(
            "depot.tasks.brief", {"key": "k"}, queue=_QUEUE, connection=connection
        )

    assert "queued" == rig.client.job(job.id).status


def test_a_cancel_and_a_retry_may_be_asked_again(rig: Rig, proxy: Proxy, client: Client) -> None:
    job = rig.enqueue("k", queue=_QUEUE)

    for verb, status in ((client.cancel, "cancelled"), (client.retry, "queued")):
        _drop(rig, proxy, Mode.DROP_REPLY)
        with pytest.raises(ReplyLost):
            verb([job.id])
        assert status == job.refresh().status

        _drop(rig, proxy, Mode.PASS)
        assert {job.id: None} == verb([job.id])
        assert status == job.refresh().status


def test_a_fleet_resolves_every_lost_reply(rig: Rig) -> None:
    rig.rows("create table if not exists payments (key text not null)")
    keys: list[str] = []
    dropped = rig.proxy.dropped
    rig.proxy.dropped_share, rig.proxy.silent_share = 0.1, 0.0
    rig.proxy.set(Mode.DROP_REPLY)

    def feed() -> bool:
        open_count = rig.client.count(status="queued", queue="default")
        for _ in range((60 - open_count) // 5):
            keys.append(uuid4().hex)
            rig.enqueue(keys[-1])
            rig.enqueue(keys[-1], "depot.tasks.cautious")
            for _ in range(_PAYMENTS):
                rig.enqueue(keys[-1], "depot.tasks.paying")
        return rig.proxy.dropped - dropped >= REPLIES

    rig.until(feed, "replies dropped", seconds=10 + 0.5 * REPLIES)
    lost = rig.proxy.dropped - dropped
    rig.proxy.set(Mode.PASS)

    rig.check_evidence()
    payments = dict(rig.rows("select key, count(*) from payments group by key"))
    assert dict.fromkeys(keys, _PAYMENTS) == payments
    assert [] == rig.rows(
        "select * from pgqueue.jobs where status <> 'succeeded' "
        "and task in ('depot.tasks.brief', 'depot.tasks.paying') and queue = 'default'"
    )
    assert [] == rig.rows(
        "select job_id from pgqueue.attempts where outcome = 'succeeded' "
        "group by job_id having count(*) > 1"
    )
    assert [] == [key for key, count in rig.starts("depot.tasks.cautious").items() if count > 1]
    print(
        f"{lost} replies lost, {(2 + _PAYMENTS) * len(keys)} jobs, none stuck; {rig.works_again()}"
    )
