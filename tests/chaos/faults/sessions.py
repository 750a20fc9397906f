"""Faults that other sessions cause inside PostgreSQL."""

import time
from collections.abc import Iterator

from chaos.faults.fault import Facts, Step, fault
from chaos.server import NAME
from chaos.system import System

_EVERY_SECONDS = 0.25

# Some sessions of the workers, their tasks and the producers.
_SOME = """
select {}(pid)
from pg_stat_activity
where backend_type = 'client backend'
  and application_name <> %s
  and random() < %s
"""


@fault(weight=4, seconds=(0.0, 3.0))
def terminate_sessions(system: System, step: Step) -> Iterator[Facts]:
    """pg_terminate_backend on some sessions, again and again."""
    return _signal_sessions(system, step, "pg_terminate_backend")


@fault(weight=4, seconds=(0.0, 3.0))
def cancel_sessions(system: System, step: Step) -> Iterator[Facts]:
    """pg_cancel_backend on some sessions, again and again."""
    return _signal_sessions(system, step, "pg_cancel_backend")


@fault(weight=2, seconds=(1.0, 7.0), needs=("table",))
def lock_jobs(system: System, step: Step) -> Iterator[Facts]:
    """Lock the table of jobs exclusively, for longer than some statements wait."""
    with system.server.connect() as connection, connection.transaction():
        connection.execute("lock table pgqueue.jobs in access exclusive mode")
        yield {}


@fault(weight=2, seconds=(5.0, 20.0))
def hold_snapshot(system: System, step: Step) -> Iterator[Facts]:
    """Keep an old snapshot, so that dead rows pile up."""
    with system.server.connect() as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        connection.execute("select count(*) from pgqueue.workers")
        yield {}


def _signal_sessions(system: System, step: Step, function: str) -> Iterator[Facts]:
    count = 0
    end = time.monotonic() + step.seconds
    yield {}
    with system.server.connect() as connection:
        while True:
            cursor = connection.execute(
                _SOME.format(function).encode(), (NAME, 0.1 + 0.5 * step.luck)
            )
            count += len(cursor.fetchall())
            if time.monotonic() > end:
                break
            time.sleep(_EVERY_SECONDS)  # the pace of the fault
    yield {"sessions": count}
