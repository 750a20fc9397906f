"""The cost of a supervisor with four idle children."""

import time
from collections.abc import Mapping

from benchmarks.measurement import Measurement
from benchmarks.server import Server, name_of
from benchmarks.statements import Statements
from benchmarks.worker import serving

CHILDREN = 4

# The statements of the start are over after this time.
_SETTLE_SECONDS = 3.0

_CONNECTIONS = """
select count(*)
from pg_stat_activity
where datname = %s and backend_type = 'client backend'
"""


def idle(server: Server, *, seconds: float) -> Mapping[str, Measurement]:
    """Statements a second, and connections."""
    words = ("--processes", str(CHILDREN))
    with server.database() as url:
        statements = Statements(server, url)
        with serving(url, *words, children=CHILDREN), server.administrator() as connection:
            time.sleep(_SETTLE_SECONDS)
            position, began_at = statements.position(), time.monotonic()
            time.sleep(seconds)
            ours, _ = statements.since(position)
            took = time.monotonic() - began_at
            [(connections,)] = connection.execute(_CONNECTIONS, [name_of(url)]).fetchall()
    if not ours:
        raise ValueError("The log has no statement of the worker, so nothing was counted.")
    return {
        "statements": Measurement(len(ours) / took),
        "connections": Measurement(float(connections)),
    }
