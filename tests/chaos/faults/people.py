"""What people do to a queue that works, from a shell."""

import os
import subprocess
import sys
from collections.abc import Iterator

from chaos.faults.fault import Facts, Step, fault
from chaos.world import World
from pgqueue.client.client import Client

_AT_ONCE_MAX = 20

_MIGRATE_SECONDS_MAX = 60.0

_OPEN = """
select id from pgqueue.jobs
where status in ('scheduled', 'queued', 'running')
order by md5(id || %s::text) limit %s
"""

# Not of the tasks that must never start twice: there a person's word would be the cause.
_FINAL = """
select id from pgqueue.jobs
where status in ('succeeded', 'failed', 'cancelled') and delivery <> 'at_most_once'
order by md5(id || %s::text) limit %s
"""


@fault(weight=3)
def cancel_jobs(world: World, step: Step) -> Iterator[Facts]:
    """Cancel some jobs that wait or run."""
    ids = _some(world, step, _OPEN)
    yield {"ids": ids}
    with Client(world.server.url) as client:
        client.cancel(ids)


@fault(weight=3)
def retry_jobs(world: World, step: Step) -> Iterator[Facts]:
    """Queue some finished jobs again."""
    ids = _some(world, step, _FINAL)
    yield {"ids": ids}  # before it is done: the reply may be lost
    with Client(world.server.url) as client:
        client.retry(ids)


@fault(weight=2)
def migrate(world: World, step: Step) -> Iterator[Facts]:
    """Run `pgqueue migrate` beside the workers."""
    yield {}
    ended = subprocess.run(
        [sys.executable, "-m", "pgqueue", "migrate"],
        env={**os.environ, "PGQUEUE_URL": world.server.url},
        capture_output=True,
        text=True,
        timeout=_MIGRATE_SECONDS_MAX,
    )
    yield {"code": ended.returncode, "said": (ended.stdout + ended.stderr)[-500:]}


def _some(world: World, step: Step, question: str) -> list[int]:
    count = 1 + int(step.luck * _AT_ONCE_MAX)
    with world.server.connect() as connection:
        return [row[0] for row in connection.execute(question.encode(), (step.luck, count))]
