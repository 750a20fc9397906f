"""`client.workers`: the verbs that read workers."""

from typing import TYPE_CHECKING

import pytest

from pgqueue.client.client import Client
from pgqueue.core.errors import InvalidOption
from pgqueue.store import workers
from pgqueue.store.statement import run

if TYPE_CHECKING:
    from queue_database import QueueDatabase


def test_a_list_has_the_live_workers_and_the_stopped_ones_on_demand(
    client: Client, db: "QueueDatabase"
) -> None:
    first, second = db.worker(), db.worker()
    run(db.link, workers.end_workers([first], "died", "killed"))

    assert [second] == [worker.id for worker in client.workers.list()]
    assert [(second, None), (first, "died")] == [
        (worker.id, worker.stop_reason) for worker in client.workers.list(with_stopped=True)
    ]
    assert [second] == [worker.id for worker in client.workers.list(with_stopped=True, limit=1)]
    with pytest.raises(InvalidOption, match="limit"):
        client.workers.list(limit=0)


def test_one_worker_is_shown_also_when_it_has_stopped(client: Client, db: "QueueDatabase") -> None:
    worker_id = db.worker()
    live = client.workers.show(worker_id)
    run(db.link, workers.end_workers([worker_id], "died", "killed"))
    stopped = client.workers.show(worker_id)

    assert live is not None
    assert stopped is not None
    assert (("default",), None) == (live.queues, live.stop_reason)
    assert (worker_id, "died") == (stopped.id, stopped.stop_reason)
    assert client.workers.show(worker_id + 1) is None
