"""Settle many attempts in batches, so that a settlement that is refused delays no other.

One settlement may have a value that cannot be stored, or violate a constraint or a trigger of the
application; and all of them may be too large for one statement. Smaller batches find the one.
"""

from collections.abc import Iterator, Mapping, Sequence

from pgqueue.core.adaptive_batch import AdaptiveBatch
from pgqueue.core.lifecycle import JobStatus
from pgqueue.store import settlements
from pgqueue.store.claims import AttemptKey
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import DATA_ERRORS, RESOURCE_ERRORS
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run

SETTLEMENTS_MAX = 500
"""As many ends as one statement settles."""

# Of results and tracebacks in one statement; a larger end goes alone.
_BYTES_MAX = 8 * 1024 * 1024

Answer = Mapping[AttemptKey, JobStatus | None] | Exception
"""What `attempts.settle` answers, or why the database will not have a single end."""


def settle_in_batches(link: Link, ends: Sequence[Settlement]) -> Iterator[tuple[int, Answer]]:
    """Settle *ends* in their order: how many came next, and what became of them.

    Raises:
        psycopg.Error: The connection broke, or the failure says nothing about the ends. Those
            that were not yielded may be settled or not.
    """
    portion = AdaptiveBatch(SETTLEMENTS_MAX)
    while ends:
        some = _first(ends, portion.size)
        answer: Answer
        try:
            answer = run(link, settlements.settle(some))
        except (*DATA_ERRORS, *RESOURCE_ERRORS) as error:
            if not link.is_usable:
                raise
            if portion.halve(len(some)):
                continue
            answer = error
        portion.grow()
        ends = ends[len(some) :]
        yield len(some), answer


def _first(ends: Sequence[Settlement], most: int) -> list[Settlement]:
    """As many as one statement takes, at least one."""
    first: list[Settlement] = []
    size = 0
    for ended in ends[:most]:
        size += len(ended.result or "") + len(ended.traceback or "")
        if first and size > _BYTES_MAX:
            break
        first.append(ended)
    return first
