"""The event loop of a supervisor's main thread."""

import socket
import threading
from collections.abc import Iterator

import pytest
from manual_clock import ManualClock

from pgqueue.core.events.event import listen
from pgqueue.core.events.services import LoopFailed
from pgqueue.process.reactor import Reactor


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def reactor(clock: ManualClock) -> Iterator[Reactor]:
    """A reactor with a clock that the test sets."""
    opened = Reactor(clock)
    yield opened
    opened.close()


def run_at_once(reactor: Reactor) -> None:
    """Let the reactor run what is due, without a wait."""
    reactor.call_soon_threadsafe(lambda: None)
    reactor.run_once()


def test_an_action_of_another_thread_wakes_the_reactor_and_runs_on_its_thread(
    reactor: Reactor,
) -> None:
    threads: list[threading.Thread] = []

    def act() -> None:
        threads.append(threading.current_thread())

    threading.Timer(0.1, reactor.call_soon_threadsafe, [act]).start()
    reactor.run_once()  # nothing else would end this wait

    assert [threading.current_thread()] == threads


def test_actions_run_in_order_and_one_that_adds_another_does_not_wait_for_it(
    reactor: Reactor,
) -> None:
    calls: list[str] = []
    reactor.call_soon_threadsafe(lambda: calls.append("first"))
    reactor.call_soon_threadsafe(
        lambda: reactor.call_soon_threadsafe(lambda: calls.append("added"))
    )
    reactor.call_soon_threadsafe(lambda: calls.append("last"))

    reactor.run_once()

    assert ["first", "last", "added"] == calls


def test_actions_beyond_the_size_of_the_wake_up_socket_all_run(reactor: Reactor) -> None:
    calls: list[int] = []
    for number in range(100_000):  # more than the wake-up socket has space for
        reactor.call_soon_threadsafe(lambda number=number: calls.append(number))

    reactor.run_once()

    assert list(range(100_000)) == calls


def test_a_timer_runs_once_when_its_time_has_come(reactor: Reactor, clock: ManualClock) -> None:
    calls: list[str] = []
    reactor.call_later(5, lambda: calls.append("later"))
    reactor.call_later(2, lambda: calls.append("soon"))

    counts = []
    for seconds in (1.9, 0.1, 2.9, 0.1, 100.0):
        clock.advance(seconds)
        run_at_once(reactor)
        counts.append(len(calls))

    assert [0, 1, 1, 2, 2] == counts
    assert ["soon", "later"] == calls


def test_a_timer_that_sets_itself_again_runs_in_the_next_turn(
    reactor: Reactor, clock: ManualClock
) -> None:
    calls: list[float] = []

    def again() -> None:
        calls.append(clock.monotonic())
        reactor.call_later(0, again)

    again()
    reactor.run_once()
    reactor.run_once()

    assert 3 == len(calls)


def test_the_reactor_waits_for_its_first_timer() -> None:
    reactor = Reactor()
    calls: list[str] = []
    reactor.call_later(0.05, lambda: calls.append("due"))

    while not calls:
        reactor.run_once()
    reactor.close()

    assert ["due"] == calls


def test_a_file_is_read_until_it_is_unregistered(reactor: Reactor) -> None:
    ours, theirs = socket.socketpair()
    calls: list[bytes] = []
    reactor.register(ours, lambda: calls.append(ours.recv(1)))
    theirs.send(b"ab")

    reactor.run_once()
    reactor.run_once()
    theirs.send(b"c")
    reactor.unregister(ours)
    reactor.unregister(ours)  # no error
    run_at_once(reactor)
    ours.close()
    theirs.close()

    assert [b"a", b"b"] == calls


def test_an_action_for_a_closed_reactor_is_no_error() -> None:
    reactor = Reactor()
    reactor.close()

    reactor.call_soon_threadsafe(lambda: None)


def test_an_action_that_raises_is_reported_and_the_others_go_on(
    reactor: Reactor, clock: ManualClock
) -> None:
    calls: list[str] = []
    failures: list[LoopFailed] = []
    stop = listen(LoopFailed, failures.append)

    def fail() -> None:
        raise OSError("too many open files")

    reactor.call_later(1.0, fail)
    reactor.call_later(1.0, lambda: calls.append("timer"))
    clock.advance(1.0)
    reactor.call_soon_threadsafe(fail)
    reactor.call_soon_threadsafe(lambda: calls.append("action"))

    reactor.run_once()
    stop()

    assert ["action", "timer"] == calls
    assert ["too many open files"] * 2 == [str(failure.error) for failure in failures]
