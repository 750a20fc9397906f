"""What other sessions do to ours, inside PostgreSQL."""

import time
from collections.abc import Iterator

from chaos.faults.fault import Facts, Step, fault
from chaos.server import NAME
from chaos.world import World

_EVERY_SECONDS = 0.25

# Those of the workers, their tasks and the producers, a few of them at a time.
_SOME = """
select {}(pid)
from pg_stat_activity
where backend_type = 'client backend'
  and application_name <> %s
  and random() < %s
"""


@fault(weight=4, seconds=(0.0, 3.0))
def terminate_sessions(world: World, step: Step) -> Iterator[Facts]:
    """pg_terminate_backend on some sessions, again and again."""
    return _signalled(world, step, "pg_terminate_backend")


@fault(weight=4, seconds=(0.0, 3.0))
def cancel_sessions(world: World, step: Step) -> Iterator[Facts]:
    """pg_cancel_backend on some sessions, again and again."""
    return _signalled(world, step, "pg_cancel_backend")


@fault(weight=2, seconds=(1.0, 7.0), needs=("table",))
def lock_jobs(world: World, step: Step) -> Iterator[Facts]:
    """Hold the strongest lock on the jobs, for longer than some statements wait."""
    with world.server.connect() as connection, connection.transaction():
        connection.execute("lock table pgqueue.jobs in access exclusive mode")
        yield {}


@fault(weight=2, seconds=(5.0, 20.0))
def hold_snapshot(world: World, step: Step) -> Iterator[Facts]:
    """Keep an old snapshot, so that dead rows pile up."""
    with world.server.connect() as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        connection.execute("select count(*) from pgqueue.workers")
        yield {}


def _signalled(world: World, step: Step, function: str) -> Iterator[Facts]:
    count = 0
    until = time.monotonic() + step.seconds
    yield {}
    with world.server.connect() as connection:
        while True:
            found = connection.execute(
                _SOME.format(function).encode(), (NAME, 0.1 + 0.5 * step.luck)
            )
            count += len(found.fetchall())
            if time.monotonic() > until:
                break
            time.sleep(_EVERY_SECONDS)
    yield {"sessions": count}
