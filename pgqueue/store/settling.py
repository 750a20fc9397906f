"""Settles many ends, portion by portion, so that none that is refused holds up another.

One may hold what cannot be stored, or break a constraint or a trigger that somebody added; and
all of them may be too much at once. The one at fault is found by asking for fewer.
"""

from collections.abc import Iterator, Mapping, Sequence

from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.portion import Portion
from pgqueue.store import attempts
from pgqueue.store.attempts import Ended, Token
from pgqueue.store.connect import Link
from pgqueue.store.faults import BAD_DATA, TOO_MUCH
from pgqueue.store.statement import run

ENDS_MAX = 500
"""As many ends as one statement settles."""

# Of results and tracebacks in one statement; a larger end goes alone.
_BYTES_MAX = 8 * 1024 * 1024

Answer = Mapping[Token, JobStatus | None] | Exception
"""What `attempts.settle` answers, or why the database will not have a single end."""


def settle(link: Link, ends: Sequence[Ended]) -> Iterator[tuple[int, Answer]]:
    """Settle *ends* in their order: how many came next, and what became of them.

    Raises:
        psycopg.Error: The connection broke, or the failure says nothing about the ends. Those
            that were not told of may be settled or not.
    """
    portion = Portion(ENDS_MAX)
    while ends:
        some = _first(ends, portion.size)
        answer: Answer
        try:
            answer = run(link, attempts.settle(some))
        except (*BAD_DATA, *TOO_MUCH) as error:
            if not link.is_usable:
                raise
            if portion.halve(len(some)):
                continue
            answer = error
        portion.grow()
        ends = ends[len(some) :]
        yield len(some), answer


def _first(ends: Sequence[Ended], most: int) -> list[Ended]:
    """As many as one statement takes, at least one."""
    first: list[Ended] = []
    size = 0
    for ended in ends[:most]:
        size += len(ended.result or "") + len(ended.traceback or "")
        if first and size > _BYTES_MAX:
            break
        first.append(ended)
    return first
