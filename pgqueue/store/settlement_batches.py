"""Settle many attempts in batches, so that a settlement that is refused delays no other.

One settlement may have a value that cannot be stored, or violate a constraint or a trigger of the
application. All settlements together may be too large for one statement. Smaller batches isolate
the settlement that fails, which is then recorded without the part that was refused.
"""

from collections.abc import Iterator, Sequence

from pgqueue.core.adaptive_batch import AdaptiveBatch
from pgqueue.core.events.event import emit
from pgqueue.core.events.jobs import SettlementReduced
from pgqueue.store import settlements
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import (
    DATABASE_ERRORS,
    RESOURCE_ERRORS,
    first_line,
    is_refusal,
)
from pgqueue.store.refusals import RefusalReports
from pgqueue.store.settlements import SKIPPED, Answer, Settlement
from pgqueue.store.statement import run

SETTLEMENTS_MAX = 500
"""The largest number of settlements in one statement."""

BYTES_MAX = 8 * 1024 * 1024
"""Characters of results and tracebacks in one statement; a larger settlement is settled alone."""

_reports = RefusalReports()


def settle_in_batches(
    link: Link, ends: Sequence[Settlement], size: AdaptiveBatch | None = None
) -> Iterator[tuple[int, Answer]]:
    """Settle *ends* in their order; yields the size and the answer of each batch.

    A settlement that the database refuses is recorded in part; see `settlements.reduced`.

    Args:
        size: Characters of results and tracebacks in one statement; it grows with each answer.

    Raises:
        psycopg.Error: The connection broke, or the error has another cause than the settlements.
            Settlements that were not yielded may be settled or not.
    """
    batch = AdaptiveBatch(SETTLEMENTS_MAX)
    while ends:
        first = _first(ends, batch.size, BYTES_MAX if size is None else size.size)
        error, answer = _settle(link, first)
        if error is None:
            batch.grow()
            if size is not None:
                size.grow()
        elif batch.halve(len(first)):
            continue
        for settlement, refusal in _refused(first, error, answer):
            _settle_reduced(link, settlement, refusal, answer)
        ends = ends[len(first) :]
        yield len(first), answer


def _settle(link: Link, ends: Sequence[Settlement]) -> tuple[Exception | None, Answer]:
    try:
        return None, run(link, settlements.settle(ends))
    except DATABASE_ERRORS as error:
        if link.is_usable and (is_refusal(error) or isinstance(error, RESOURCE_ERRORS)):
            return error, {}
        raise


def _refused(
    ends: Sequence[Settlement], error: Exception | None, answer: Answer
) -> list[tuple[Settlement, Exception]]:
    if error is not None:
        return [(settlement, error) for settlement in ends]
    if SKIPPED not in answer.values():
        return []
    return [(settlement, SKIPPED) for settlement in ends if answer.get(settlement.key) is SKIPPED]


def _settle_reduced(link: Link, settlement: Settlement, refusal: Exception, answer: Answer) -> None:
    """Settle what the database accepts of a settlement, and add its answer."""
    answer[settlement.key] = refusal
    # A settlement that only took too long is recorded in full when the server is quicker.
    if isinstance(refusal, RESOURCE_ERRORS):
        return
    for left_out, reduced in settlements.reduced(settlement, first_line(refusal)):
        error, reduced_answer = _settle(link, [reduced])
        if error is not None or reduced_answer.get(settlement.key) is SKIPPED:
            continue
        del answer[settlement.key]
        answer.update(reduced_answer)
        if reduced_answer and _reports.is_due(refusal):
            emit(
                SettlementReduced(
                    job_id=settlement.id,
                    attempt=settlement.attempt,
                    worker_id=settlement.worker_id,
                    left_out=left_out,
                    reason=first_line(refusal),
                )
            )
        return


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
