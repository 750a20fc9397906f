"""Which queues a claim asks."""

import pytest
from queue_database import QueueDatabase

from pgqueue.store.claims import ClaimedAttempt, ClaimedBatch, Visibility
from pgqueue.worker.queues import Queues

MANY = [f"q{n}" for n in range(100)]


@pytest.fixture
def claimed(db: QueueDatabase) -> list[ClaimedAttempt]:
    """One job of each of three queues, claimed."""
    for queue in ("q3", "q5", "q7"):
        db.enqueue(queue=queue)
    return db.claim(db.worker(), "q3", "q5", "q7")


def _batch(claimed: list[ClaimedAttempt], *, is_whole: bool) -> ClaimedBatch:
    return ClaimedBatch(claimed, is_whole, False, Visibility(1, 1, 1), 0.0)


def test_few_queues_are_all_asked_each_time() -> None:
    queues = Queues(["b", "a"], is_round_robin=False)

    asked = queues.take()
    queues.learn(asked, _batch([], is_whole=True), [])

    assert ["b", "a"] == asked == queues.take()


def test_of_many_those_are_asked_in_which_a_job_is_ready_in_their_order() -> None:
    queues = Queues(MANY, is_round_robin=False)
    queues.hear(["q7", "q3", "other"])

    assert ["q3", "q7"] == queues.take()


def test_sub_queues_are_asked_when_they_were_heard_of() -> None:
    queues = Queues(["first", "mail/"], is_round_robin=False)
    queues.hear(["mail/b", "mail/a", "first", "mails"])

    assert ["first", "mail/a", "mail/b"] == queues.take()


def test_round_robin_begins_with_another_each_time() -> None:
    queues = Queues(["a", "b", "c"], is_round_robin=True)

    assert [["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]] == [queues.take() for _ in range(3)]


def test_what_was_found_empty_is_asked_no_more(claimed: list[ClaimedAttempt]) -> None:
    queues = Queues(MANY, is_round_robin=False)
    queues.hear(["q3", "q5", "q7", "q9"])

    queues.learn(queues.take(), _batch(claimed[:2], is_whole=False), [])
    left = queues.take()
    queues.learn(left, _batch(claimed[1:], is_whole=True), left)

    assert ["q5", "q7", "q9"] == left
    assert [] == queues.take()


def test_what_is_heard_during_a_claim_is_asked_by_the_next() -> None:
    queues = Queues(MANY, is_round_robin=False)
    queues.hear(["q3"])
    asked = queues.take()
    queues.hear(["q3", "q4"])

    queues.learn(asked, _batch([], is_whole=True), [])

    assert ["q3", "q4"] == queues.take()


def test_a_claim_that_read_on_and_found_nothing_is_asked_again_from_the_front() -> None:
    queues = Queues(MANY, is_round_robin=False)
    queues.hear(["q3", "q4"])

    queues.learn(queues.take(), _batch([], is_whole=True), ["q3"])
    again = queues.take()
    queues.learn(again, _batch([], is_whole=True), [])

    assert ["q3"] == again
    assert [] == queues.take()


def test_without_any_hint_all_are_asked_now_and_then() -> None:
    queues = Queues([*MANY, "mail/"], is_round_robin=False)
    queues.hear_of_all()

    assert MANY == queues.take()
