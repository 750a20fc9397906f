"""Which children are woken for queues that have ready jobs."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from manual_clock import ManualClock
from stub_children import StubChild, pool_of

from pgqueue.core.settings import load_settings
from pgqueue.process.wake_ups import WakeUps
from pgqueue.process.worker_pool import WorkerKind


class StubFleet:
    """Children, and the kinds that were wanted."""

    def __init__(self, children: Sequence[StubChild]) -> None:
        self.children = {child.worker_id: child for child in children}
        self.wanted: list[WorkerKind] = []

    def want_pool(self, kind: WorkerKind) -> None:
        """Note the kind."""
        self.wanted.append(kind)


MakeChild = Callable[..., StubChild]


@pytest.fixture
def child() -> Iterator[MakeChild]:
    """Makes children that wait to be woken, or claim without a pause."""
    children: list[StubChild] = []

    def make(executor: str, *, waits: bool) -> StubChild:
        children.append(StubChild(len(children), pool_of(executor)))
        children[-1].scoreboard.set_waiting(waits)
        return children[-1]

    yield make
    for made in children:
        made.close()


def _wake_ups(queue: str, fleet: StubFleet, clock: ManualClock | None = None) -> WakeUps:
    return WakeUps(fleet, load_settings({"queues": (queue,)}), clock or ManualClock())


def test_waiting_children_of_the_kind_are_woken_in_turn(child: MakeChild) -> None:
    waiting = [child("greenlet", waits=True) for _ in range(3)]
    others = [child("greenlet", waits=False), child("asyncio", waits=True)]
    wake_ups = _wake_ups("default", StubFleet([*waiting, *others]))

    for wake_count in (1, 1, 1, 2):
        wake_ups.wake({WorkerKind("greenlet"): ["default"]}, wake_count)

    messages = [one.received for one in waiting]
    assert [1, 2, 2] == sorted(map(len, messages))
    assert all(
        message == {"verb": "claim", "queues": ["default"]}
        for received in messages
        for message in received
    )
    assert [[], []] == [one.received for one in others]


def test_a_kind_that_has_no_worker_yet_is_wanted(child: MakeChild) -> None:
    fleet = StubFleet([child("greenlet", waits=True)])

    _wake_ups("default", fleet).wake({WorkerKind("asyncio"): ["default"]}, 1)

    assert [WorkerKind("asyncio")] == fleet.wanted


@pytest.mark.parametrize("queue", ["default", "mail/"])
def test_a_kind_waits_if_a_child_does(child: MakeChild, queue: str) -> None:
    fleet = StubFleet([child("greenlet", waits=False), child("asyncio", waits=True)])

    kinds = _wake_ups(queue, fleet).waiting_kinds()

    assert {"asyncio"} == {kind.executor for kind in kinds}


def test_children_that_claim_without_a_pause_get_the_names_of_queues_now_and_then(
    child: MakeChild,
) -> None:
    busy = [child(executor, waits=False) for executor in ("greenlet", "asyncio")]
    clock = ManualClock()
    wake_ups = _wake_ups("mail/", StubFleet(busy), clock)
    ready = {WorkerKind("greenlet"): ["mail/a"], WorkerKind("asyncio"): ["mail/b"]}

    wake_ups.wake(ready, 1)
    clock.advance(0.09)
    wake_ups.wake(ready, 1)  # too soon
    first = [one.received for one in busy]
    clock.advance(0.02)
    wake_ups.wake(ready, 1)

    names = [[{"verb": "queues_ready", "queues": [name]}] for name in ("mail/a", "mail/b")]
    assert names == first
    assert names == [one.received for one in busy]


def test_children_that_claim_without_a_pause_need_no_names_of_their_only_queue(
    child: MakeChild,
) -> None:
    busy = child("greenlet", waits=False)

    _wake_ups("default", StubFleet([busy])).wake({WorkerKind("greenlet"): ["default"]}, 1)

    assert [] == busy.received
