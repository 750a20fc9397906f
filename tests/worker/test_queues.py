"""Which queues a claim reads."""

import pytest
from queue_database import QueueDatabase

from pgqueue.store.claims import ClaimedAttempt, ClaimedBatch, Snapshot
from pgqueue.worker.queues import Queues

MANY = [f"q{n}" for n in range(100)]


@pytest.fixture
def claimed(db: QueueDatabase) -> list[ClaimedAttempt]:
    """One job of each of three queues, claimed."""
    for queue in ("q3", "q5", "q7"):
        db.enqueue(queue=queue)
    return db.claim(db.worker(), "q3", "q5", "q7")


def _batch(claimed: list[ClaimedAttempt], *, is_whole: bool) -> ClaimedBatch:
    return ClaimedBatch(claimed, is_whole, False, None, Snapshot(1, 1, 1), 0.0)


def test_each_claim_reads_all_of_few_queues() -> None:
    queues = Queues(["b", "a"], is_round_robin=False)

    claimed_from = queues.take()
    queues.record(claimed_from, _batch([], is_whole=True), [])

    assert ["b", "a"] == claimed_from == queues.take()


def test_a_claim_reads_the_ready_ones_of_many_queues_in_order() -> None:
    queues = Queues(MANY, is_round_robin=False)
    queues.add_ready(["q7", "q3", "other"])

    assert ["q3", "q7"] == queues.take()


def test_a_claim_reads_the_sub_queues_that_were_reported() -> None:
    queues = Queues(["first", "mail/"], is_round_robin=False)
    queues.add_ready(["mail/b", "mail/a", "first", "mails"])

    assert ["first", "mail/a", "mail/b"] == queues.take()


def test_round_robin_begins_with_another_each_time() -> None:
    queues = Queues(["a", "b", "c"], is_round_robin=True)

    assert [["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]] == [queues.take() for _ in range(3)]


def test_a_claim_skips_the_queues_that_were_empty(claimed: list[ClaimedAttempt]) -> None:
    queues = Queues(MANY, is_round_robin=False)
    queues.add_ready(["q3", "q5", "q7", "q9"])

    queues.record(queues.take(), _batch(claimed[:2], is_whole=False), [])
    rest = queues.take()
    queues.record(rest, _batch(claimed[1:], is_whole=True), rest)

    assert ["q5", "q7", "q9"] == rest
    assert [] == queues.take()


def test_a_queue_reported_during_a_claim_is_read_by_the_next_claim() -> None:
    queues = Queues(MANY, is_round_robin=False)
    queues.add_ready(["q3"])
    claimed_from = queues.take()
    queues.add_ready(["q3", "q4"])

    queues.record(claimed_from, _batch([], is_whole=True), [])

    assert ["q3", "q4"] == queues.take()


def test_a_queue_read_from_a_cursor_without_a_job_is_read_again() -> None:
    queues = Queues(MANY, is_round_robin=False)
    queues.add_ready(["q3", "q4"])

    queues.record(queues.take(), _batch([], is_whole=True), ["q3"])
    again = queues.take()
    queues.record(again, _batch([], is_whole=True), [])

    assert ["q3"] == again
    assert [] == queues.take()


def test_all_queues_with_a_name_can_be_read_without_a_report() -> None:
    queues = Queues([*MANY, "mail/"], is_round_robin=False)
    queues.add_all()

    assert MANY == queues.take()
