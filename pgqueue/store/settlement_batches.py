"""Settle many attempts in batches, so that a settlement that is refused delays no other.

One settlement may have a value that cannot be stored, or violate a constraint or a trigger of the
application. All settlements together may be too large for one statement. Smaller batches isolate
the settlement that fails.
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
"""The largest number of settlements in one statement."""

BYTES_MAX = 8 * 1024 * 1024
"""Characters of results and tracebacks in one statement; a larger settlement is settled alone."""

Answer = Mapping[AttemptKey, JobStatus | None] | Exception
"""The answer of `settlements.settle`, or the error of a settlement that the database refuses."""


def settle_in_batches(
    link: Link, ends: Sequence[Settlement], size: AdaptiveBatch | None = None
) -> Iterator[tuple[int, Answer]]:
    """Settle *ends* in their order; yields the size and the answer of each batch.

    Args:
        size: Characters of results and tracebacks in one statement; it grows with each answer.

    Raises:
        psycopg.Error: The connection broke, or the error has another cause than the settlements.
            Settlements that were not yielded may be settled or not.
    """
    batch = AdaptiveBatch(SETTLEMENTS_MAX)
    while ends:
        first = _first(ends, batch.size, BYTES_MAX if size is None else size.size)
        answer: Answer
        try:
            answer = run(link, settlements.settle(first))
        except (*DATA_ERRORS, *RESOURCE_ERRORS) as error:
            if not link.is_usable:
                raise
            if batch.halve(len(first)):
                continue
            answer = error
        batch.grow()
        if size is not None:
            size.grow()
        ends = ends[len(first) :]
        yield len(first), answer


def _first(ends: Sequence[Settlement], settlements_max: int, bytes_max: int) -> list[Settlement]:
    """The first settlements, up to the limits of one statement; at least one."""
    first: list[Settlement] = []
    size = 0
    for ended in ends[:settlements_max]:
        size += ended.size
        if first and size > bytes_max:
            break
        first.append(ended)
    return first
