"""The ready and the unfinished jobs of queues."""

from queue_database import QueueDatabase

from pgqueue.core.lifecycle import JobStatus
from pgqueue.store import queues
from pgqueue.store.queues import UnfinishedJobs
from pgqueue.store.statement import run


def test_a_ready_scan_lists_each_queue_and_executor_once(db: QueueDatabase) -> None:
    for queue, executor in [("b", "process"), ("a", "asyncio"), ("a", "greenlet")]:
        for _ in range(3):
            db.enqueue(queue=queue, executor=executor)
    db.enqueue(queue="later", run_after=60.0)
    db.claim_new(queue="running")

    ready = run(db.link, queues.find_ready()).ready

    assert [
        ("a", "asyncio", False),
        ("a", "greenlet", False),
        ("b", "process", False),
    ] == ready


def test_a_ready_scan_lists_quarantined_jobs_apart(db: QueueDatabase) -> None:
    for lost_count in (1, 2):
        db.change(db.enqueue(queue="a").id, lost_count=lost_count)

    assert [("a", "greenlet", False), ("a", "greenlet", True)] == run(
        db.link, queues.find_ready()
    ).ready


def test_a_ready_scan_without_ready_jobs_is_empty(db: QueueDatabase) -> None:
    assert [] == run(db.link, queues.find_ready()).ready


def test_unfinished_jobs_are_counted_by_task_in_queues_and_their_sub_queues(
    db: QueueDatabase,
) -> None:
    db.claim_new(queue="mail", task="shop.send")
    for queue in ("mail", "mail", "mail/eu", "mail/eu/fast", "mailbox", "other"):
        db.enqueue(task="shop.send", queue=queue)
    db.enqueue(task="shop.later", queue="mail", run_after=60.0)

    def unfinished(*names: str) -> list[UnfinishedJobs]:
        return sorted(run(db.link, queues.unfinished(names)), key=lambda row: row.status)

    assert [
        UnfinishedJobs(JobStatus.QUEUED, "shop.send", 2),
        UnfinishedJobs(JobStatus.RUNNING, "shop.send", 1),
    ] == unfinished("mail")
    assert [UnfinishedJobs(JobStatus.QUEUED, "shop.send", 2)] == unfinished("mail/")
    assert [UnfinishedJobs(JobStatus.QUEUED, "shop.send", 3)] == unfinished("mail/", "other")
