"""Actions of people on a live queue, from a shell."""

import os
import subprocess
import sys
from collections.abc import Iterator

from chaos.faults.fault import Facts, Step, fault
from chaos.system import System
from pgqueue.client.client import Client

_AT_ONCE_MAX = 20

_MIGRATE_SECONDS_MAX = 60.0

_OPEN = """
select id from pgqueue.jobs
where status in ('scheduled', 'queued', 'running')
order by md5(id || %s::text) limit %s
"""

# A retry of an at_most_once job would start it twice, at the wish of a person.
_FINAL = """
select id from pgqueue.jobs
where status in ('succeeded', 'failed', 'cancelled') and delivery <> 'at_most_once'
order by md5(id || %s::text) limit %s
"""


@fault(weight=3)
def cancel_jobs(system: System, step: Step) -> Iterator[Facts]:
    """Cancel some jobs that wait or run."""
    ids = _some(system, step, _OPEN)
    yield {"ids": ids}
    with Client(system.server.url) as client:
        client.cancel(ids)


@fault(weight=3)
def retry_jobs(system: System, step: Step) -> Iterator[Facts]:
    """Queue some finished jobs again."""
    ids = _some(system, step, _FINAL)
    yield {"ids": ids}  # recorded before the action, as its reply may be lost
    with Client(system.server.url) as client:
        client.retry(ids)


@fault(weight=2)
def migrate(system: System, step: Step) -> Iterator[Facts]:
    """Run `pgqueue migrate` beside the workers."""
    yield {}
    result = subprocess.run(
        [sys.executable, "-m", "pgqueue", "migrate"],
        env={**os.environ, "PGQUEUE_URL": system.server.url},
        capture_output=True,
        text=True,
        timeout=_MIGRATE_SECONDS_MAX,
    )
    yield {"code": result.returncode, "output": (result.stdout + result.stderr)[-500:]}


def _some(system: System, step: Step, query: str) -> list[int]:
    count = 1 + int(step.luck * _AT_ONCE_MAX)
    with system.server.connect() as connection:
        return [row[0] for row in connection.execute(query.encode(), (step.luck, count))]
