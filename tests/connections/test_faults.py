"""After any fault of its connections, every loop recovers within 30 seconds by itself.

One fleet lives through all faults, one after the other.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from chaos.proxy import Mode
from proxied_fleet import ProxiedFleet

Fault = Callable[[ProxiedFleet], object]


def reset(fleet: ProxiedFleet) -> None:
    """Every connection is reset, and new connections are reset for a moment."""
    fleet.proxy.set(Mode.RESET)
    fleet.until(lambda: fleet.sessions() == 0, "no session left")
    fleet.proxy.set(Mode.PASS)


def terminate(fleet: ProxiedFleet) -> None:
    """Every session is ended by an administrator, also of listeners."""
    fleet.terminate()


def crash(fleet: ProxiedFleet) -> None:
    """The server stops as in a crash, and starts again."""
    fleet.server.restart("immediate")


def exhaust(fleet: ProxiedFleet) -> None:
    """Sessions of other clients take all connections of the server."""
    since = fleet.log.stat().st_size
    with _idle_sessions(fleet) as fill:
        fleet.until(
            lambda: not (fleet.terminate(), fill(), fleet.sessions())[-1], "no session is left"
        )
        fleet.until(lambda: fleet.has_logged("too many clients", since), "refused")


def forbid_writes(fleet: ProxiedFleet) -> None:
    """The server turns read-only, and back."""
    since = fleet.log.stat().st_size
    fleet.rows("set default_transaction_read_only = off")
    fleet.rows("alter system set default_transaction_read_only = on")
    fleet.rows("select pg_reload_conf()")
    fleet.terminate()
    fleet.until(lambda: fleet.has_logged("read-only transaction", since), "refused")
    fleet.rows("alter system reset default_transaction_read_only")
    fleet.rows("select pg_reload_conf()")


@pytest.mark.parametrize("fault", [reset, terminate, crash, exhaust, forbid_writes])
def test_every_loop_recovers(fleet: ProxiedFleet, fault: Fault) -> None:
    name = uuid4().hex
    running = [
        fleet.enqueue(
            name, "depot.tasks.lasting", queue=queue, args={"until": str(fleet.path(name))}
        )
        for queue in ("slow_poll", "default")
    ]
    fleet.until(lambda: all(job.refresh().status == "running" for job in running), "running")

    fault(fleet)
    recovery = fleet.wait_for_recovery()

    fleet.release(name)
    fleet.until_final(*running)
    assert [1, 1] == [job.refresh().attempt for job in running]
    fleet.assert_nothing_lost_or_repeated()
    print(f"{fault.__name__}: {recovery}")


def test_stalled_connections_are_detected(fleet: ProxiedFleet) -> None:
    """Like a firewall that dropped its state, the proxy still acknowledges all bytes."""
    fleet.proxy.set(Mode.BLACK_HOLE)
    fleet.until(lambda: fleet.proxy.mode is Mode.BLACK_HOLE, "stalled")
    fleet.proxy.set(Mode.PASS)

    recovery = fleet.wait_for_recovery()

    fleet.assert_nothing_lost_or_repeated()
    print(f"stall: {recovery}")


def test_a_stalled_listener_is_detected(fleet: ProxiedFleet) -> None:
    # A statement in flight at the stall would wait for its reply for 22 s.
    fleet.until(lambda: fleet.rows(_LISTENERS_AT_REST) == [(2,)], "listeners at rest")
    fleet.proxy.set(Mode.BLACK_HOLE, named="pgqueue dispatcher")
    fleet.until(lambda: fleet.proxy.mode is Mode.BLACK_HOLE, "stalled")
    fleet.proxy.set(Mode.PASS)

    recovery = fleet.wait_for_recovery()

    fleet.assert_nothing_lost_or_repeated()
    print(f"stalled listener: {recovery}")


def test_the_finishers_connection_is_pinged_while_its_job_is_claimed(fleet: ProxiedFleet) -> None:
    """Two stalled connections, detected one after the other, would take twice the time."""
    fleet.until(lambda: fleet.rows(_FINISHERS_AT_REST) == [(True,)], "finishers at rest")
    name = uuid4().hex

    job = fleet.enqueue(
        name, "depot.tasks.lasting", queue="slow_poll", args={"until": str(fleet.path(name))}
    )

    fleet.until(
        lambda: fleet.rows(_FINISHERS_PINGED, job.created_at) == [(True,)],
        "a finisher pinged",
        10.0,
    )
    fleet.until_final(job, status="running")
    fleet.release(name)
    fleet.until_final(job)


def test_a_worker_without_a_free_connection_starts_when_one_is_free(fleet: ProxiedFleet) -> None:
    since = fleet.log.stat().st_size
    ((started_at, pid),) = fleet.rows(
        "select started_at, pid from pgqueue.workers "
        "where stopped_at is null and queues = '{slow_poll}' and not quarantine"
    )
    with _idle_sessions(fleet) as fill:
        fill()
        os.kill(pid, signal.SIGKILL)
        fleet.until(
            lambda: bool((fill(), fleet.has_logged("too many clients", since))[-1]), "refused"
        )

    fleet.wait_for_recovery()

    ((started,),) = fleet.rows(
        "select count(*) from pgqueue.workers "
        "where started_at > %s and queues = '{slow_poll}' and not quarantine",
        started_at,
    )
    assert 1 == started
    fleet.assert_nothing_lost_or_repeated()


def test_tasks_that_exhaust_their_pool_block_no_other_job(fleet: ProxiedFleet) -> None:
    name = uuid4().hex
    hoarding = [
        fleet.enqueue(name, "depot.tasks.hoarding", args={"until": str(fleet.path(name))})
        for _ in range(4)
    ]
    fleet.until(lambda: all(job.refresh().status == "running" for job in hoarding), "running")

    fleet.wait_for_recovery()

    assert ["running"] * 4 == [job.refresh().status for job in hoarding]
    fleet.release(name)
    fleet.until_final(*hoarding)
    fleet.assert_nothing_lost_or_repeated()


_LISTENERS_AT_REST = (
    "select count(*) from pg_stat_activity where application_name = 'pgqueue dispatcher' "
    "and datname = current_database() and state = 'idle' "
    "and state_change < clock_timestamp() - interval '0.2 s'"
)

_FINISHERS = (
    "from pg_stat_activity where application_name like 'pgqueue finisher %%' "
    "and datname = current_database()"
)
_FINISHERS_AT_REST = (
    "select bool_and(state = 'idle' and state_change < clock_timestamp() - interval '1 s') "
    + _FINISHERS
)
_FINISHERS_PINGED = "select bool_or(query_start > %s) " + _FINISHERS


@contextmanager
def _idle_sessions(fleet: ProxiedFleet) -> Iterator[Callable[[], None]]:
    """A function that takes every free connection of the server."""
    sessions: list[psycopg.Connection[object]] = []
    fleet.sessions()  # opens the administrator's own connection first

    def fill() -> None:
        try:
            while True:
                sessions.append(psycopg.connect(fleet.url))
        except psycopg.OperationalError:
            pass

    try:
        yield fill
    finally:
        for session in sessions:
            session.close()
