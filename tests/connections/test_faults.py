"""Whatever happens to its connections, every loop works again within 30 seconds by itself.

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
from rig import Rig

Fault = Callable[[Rig], object]


def reset(rig: Rig) -> None:
    """Every connection is broken without a goodbye, and new ones are for a moment."""
    rig.proxy.set(Mode.RESET)
    rig.until(lambda: rig.sessions() == 0, "no session left")
    rig.proxy.set(Mode.PASS)


def terminate(rig: Rig) -> None:
    """Every session is ended by an administrator, the listeners' too."""
    rig.terminate()


def crash(rig: Rig) -> None:
    """The server stops as in a crash, and starts again."""
    rig.server.restart("immediate")


def exhaust(rig: Rig) -> None:
    """Sessions of others take every connection that the server has."""
    since = rig.log.stat().st_size
    with _crowd(rig) as fill:
        rig.until(lambda: not (rig.terminate(), fill(), rig.sessions())[-1], "crowded out")
        rig.until(lambda: rig.said("too many clients", since), "refused")


def forbid_writes(rig: Rig) -> None:
    """The server turns read-only, and back."""
    since = rig.log.stat().st_size
    rig.rows("set default_transaction_read_only = off")
    rig.rows("alter system set default_transaction_read_only = on")
    rig.rows("select pg_reload_conf()")
    rig.terminate()
    rig.until(lambda: rig.said("read-only transaction", since), "refused")
    rig.rows("alter system reset default_transaction_read_only")
    rig.rows("select pg_reload_conf()")


@pytest.mark.parametrize("fault", [reset, terminate, crash, exhaust, forbid_writes])
def test_every_loop_works_again(rig: Rig, fault: Fault) -> None:
    name = uuid4().hex
    running = [
        rig.enqueue(name, "depot.tasks.lasting", queue=queue, args={"until": str(rig.path(name))})
        for queue in ("slow_poll", "default")
    ]
    rig.until(lambda: all(job.refresh().status == "running" for job in running), "running")

    fault(rig)
    recovery = rig.works_again()

    rig.release(name)
    rig.until_final(*running)
    assert [1, 1] == [job.refresh().attempt for job in running]
    rig.check_evidence()
    print(f"{fault.__name__}: {recovery}")


def test_connections_that_fell_silent_are_found_out(rig: Rig) -> None:
    """As through a firewall that forgot them: both ends still have their bytes acknowledged."""
    rig.proxy.set(Mode.BLACK_HOLE)
    rig.until(lambda: rig.proxy.mode is Mode.BLACK_HOLE, "silent")
    rig.proxy.set(Mode.PASS)

    recovery = rig.works_again()

    rig.check_evidence()
    print(f"silence: {recovery}")


def test_a_listener_that_fell_silent_is_found_out(rig: Rig) -> None:
    # Else the rest of a question that was under way then is waited for, 22 s.
    rig.until(lambda: rig.rows(_LISTENERS_AT_REST) == [(2,)], "listeners at rest")
    rig.proxy.set(Mode.BLACK_HOLE, named="pgqueue dispatcher")
    rig.until(lambda: rig.proxy.mode is Mode.BLACK_HOLE, "silent")
    rig.proxy.set(Mode.PASS)

    recovery = rig.works_again()

    rig.check_evidence()
    print(f"silent listener: {recovery}")


def test_where_a_job_will_be_settled_is_asked_for_life_while_it_is_claimed(rig: Rig) -> None:
    """One after the other, two that fell silent would cost twice the time."""
    rig.until(lambda: rig.rows(_FINISHERS_AT_REST) == [(True,)], "finishers at rest")
    name = uuid4().hex

    job = rig.enqueue(
        name, "depot.tasks.lasting", queue="slow_poll", args={"until": str(rig.path(name))}
    )

    rig.until(
        lambda: rig.rows(_FINISHERS_ASKED, job.created_at) == [(True,)], "a finisher asked", 10.0
    )
    rig.until_final(job, status="running")
    rig.release(name)
    rig.until_final(job)


def test_a_worker_that_finds_no_connection_free_starts_when_one_is(rig: Rig) -> None:
    since = rig.log.stat().st_size
    ((worker_id, pid),) = rig.rows(
        "select id, pid from pgqueue.workers "
        "where stopped_at is null and queues = '{slow_poll}' and not quarantine"
    )
    with _crowd(rig) as fill:
        fill()
        os.kill(pid, signal.SIGKILL)
        rig.until(lambda: bool((fill(), rig.said("too many clients", since))[-1]), "refused")

    rig.works_again()

    ((started,),) = rig.rows(
        "select count(*) from pgqueue.workers "
        "where id > %s and queues = '{slow_poll}' and not quarantine",
        worker_id,
    )
    assert 1 == started
    rig.check_evidence()


def test_tasks_that_hold_their_whole_pool_hold_up_nothing_else(rig: Rig) -> None:
    name = uuid4().hex
    hoarding = [
        rig.enqueue(name, "depot.tasks.hoarding", args={"until": str(rig.path(name))})
        for _ in range(4)
    ]
    rig.until(lambda: all(job.refresh().status == "running" for job in hoarding), "running")

    rig.works_again()

    assert ["running"] * 4 == [job.refresh().status for job in hoarding]
    rig.release(name)
    rig.until_final(*hoarding)
    rig.check_evidence()


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
_FINISHERS_ASKED = "select bool_or(query_start > %s) " + _FINISHERS


@contextmanager
def _crowd(rig: Rig) -> Iterator[Callable[[], None]]:
    """Idle sessions that take every free connection each time they are asked to."""
    crowd: list[psycopg.Connection[object]] = []
    rig.sessions()  # the administrator keeps the connection it has

    def fill() -> None:
        try:
            while True:
                crowd.append(psycopg.connect(rig.url))
        except psycopg.OperationalError:
            pass

    try:
        yield fill
    finally:
        for each in crowd:
            each.close()
