"""What a supervisor with four children costs while there is nothing to do."""

import time
from collections.abc import Mapping

from benchmarks.place import Place, name_of
from benchmarks.reading import Reading
from benchmarks.statements import Statements
from benchmarks.worker import serving

CHILDREN = 4

# What a start asks is over by then.
_SETTLE_SECONDS = 3.0

_CONNECTIONS = """
select count(*)
from pg_stat_activity
where datname = %s and backend_type = 'client backend'
"""


def idle(place: Place, *, seconds: float) -> Mapping[str, Reading]:
    """Statements a second, and connections."""
    words = ("--processes", str(CHILDREN))
    with place.database() as url:
        asked = Statements(place, url)
        with serving(url, *words, children=CHILDREN), place.administrator() as connection:
            time.sleep(_SETTLE_SECONDS)
            here, began_at = asked.here(), time.monotonic()
            time.sleep(seconds)
            ours, _ = asked.since(here)
            took = time.monotonic() - began_at
            [(connections,)] = connection.execute(_CONNECTIONS, [name_of(url)]).fetchall()
    if not ours:
        raise ValueError("The worker asked nothing at all, so nothing was counted.")
    return {"statements": Reading(len(ours) / took), "connections": Reading(float(connections))}
