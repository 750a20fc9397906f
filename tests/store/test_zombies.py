"""An attempt that was taken away writes nothing, whatever became of its job meanwhile."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.maintenance.silence import give_up_silent
from pgqueue.store import attempts, jobs, upkeep
from pgqueue.store.attempts import Claimed, LoggedLine, Progress
from pgqueue.store.statement import run

if TYPE_CHECKING:
    from tests.store.conftest import Room

_ALL = [
    "select * from pgqueue.jobs order by id",
    "select * from pgqueue.attempts order by job_id, attempt",
    "select * from pgqueue.logs order by id",
]


def _taken_away(room: "Room", **options: Any) -> Claimed:
    """An attempt whose lease ended, and whose job was rescued."""
    held = room.hold(max_attempts=3, **options)
    room.rows(
        "update pgqueue.workers set lease_until = clock_timestamp() - interval '1 s'"
        " where id = %(id)s",
        id=held.worker_id,
    )
    give_up_silent(room.link)
    return held


def _again(room: "Room", held: Claimed) -> Claimed:
    [second] = room.claim(room.worker())
    assert (held.id, held.attempt + 1) == (second.id, second.attempt)
    return second


def second_waits(room: "Room", held: Claimed) -> None:
    """It is queued again, and nobody has claimed it yet."""


def second_runs(room: "Room", held: Claimed) -> None:
    """Another worker runs it."""
    _again(room, held)


def second_finished(room: "Room", held: Claimed) -> None:
    """Another worker finished it."""
    room.settle(_again(room, held), Outcome.SUCCEEDED)


def second_failed(room: "Room", held: Claimed) -> None:
    """Another worker failed it, and it is due later."""
    room.settle(_again(room, held), Outcome.FAILED)


def cancelled(room: "Room", held: Claimed) -> None:
    """Somebody cancelled it while it waited."""
    run(room.link, jobs.cancel(jobs.Meant([held.id])))


def cancelled_while_second_runs(room: "Room", held: Claimed) -> None:
    """Somebody asked to cancel it while another worker ran it."""
    _again(room, held)
    run(room.link, jobs.cancel(jobs.Meant([held.id])))


def third_runs(room: "Room", held: Claimed) -> None:
    """It succeeded, somebody retried it, and a third worker runs it."""
    second = _again(room, held)
    room.settle(second, Outcome.SUCCEEDED)
    run(room.link, jobs.retry(jobs.Meant([held.id])))
    _again(room, second)


def pruned(room: "Room", held: Claimed) -> None:
    """It was finished and pruned."""
    room.settle(_again(room, held), Outcome.SUCCEEDED)
    room.rows("update pgqueue.jobs set kept_until = clock_timestamp()")
    run(room.link, upkeep.prune(10))


ORDERS = [
    *(second_waits, second_runs, second_finished, second_failed),
    *(cancelled, cancelled_while_second_runs, third_runs, pruned),
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)
def test_a_zombie_changes_nothing(room: "Room", order: Callable[["Room", Claimed], None]) -> None:
    held = _taken_away(room)
    order(room, held)
    token = (held.id, held.attempt, held.worker_id)
    before = [room.rows(question) for question in _ALL]

    assert not run(room.link, attempts.hold(*token))
    for outcome in Outcome:
        assert {} == room.settle(held, outcome)
    run(room.link, attempts.tell_progress([Progress(*token, 1.0, "late")]))
    run(room.link, attempts.log([LoggedLine(*token, 0.0, "INFO", "shop", "late", 1)]))
    assert [] == run(room.link, attempts.claimed(held.worker_id))
    assert [] == room.claim(held.worker_id)

    assert before == [room.rows(question) for question in _ALL]


@pytest.mark.parametrize("order", [second_runs, third_runs], ids=lambda order: order.__name__)
def test_whoever_holds_the_job_now_is_not_disturbed_by_a_zombie(
    room: "Room", order: Callable[["Room", Claimed], None]
) -> None:
    held = _taken_away(room)
    order(room, held)
    room.settle(held, Outcome.FAILED)
    holder = room.job(held.id)

    ended = Claimed(holder.id, holder.attempt, holder.worker_id or 0, "", "", "", None, 0, 0)
    answer = room.settle(ended, Outcome.SUCCEEDED)

    assert {(holder.id, holder.attempt): JobStatus.SUCCEEDED} == answer
