"""Record how attempts of workers ended that cannot record it themselves, and emit the events."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pgqueue.core.events.event import emit
from pgqueue.core.events.jobs import SettlementRefused, emit_settlement
from pgqueue.core.lifecycle import JobStatus
from pgqueue.store.connection.link import Link
from pgqueue.store.settlement_batches import settle_in_batches
from pgqueue.store.settlements import Settlement


class EndedAttempt(NamedTuple):
    """How an attempt ended, with the fields of its job that its events carry."""

    settlement: Settlement
    task: str
    queue: str


def settle_attempts(link: Link, attempts: Sequence[EndedAttempt]) -> Iterator[EndedAttempt]:
    """Settle attempts, emit their events, and yield each attempt that is settled now.

    An attempt is left alone while another transaction has its job locked, and when another worker
    has claimed the job meanwhile. An attempt that the database refuses keeps no other waiting.
    """
    start = 0
    for count, answer in settle_in_batches(link, [attempt.settlement for attempt in attempts]):
        for attempt in attempts[start : start + count]:
            settlement = attempt.settlement
            status = answer.get(settlement.key)
            if isinstance(status, Exception):
                emit(
                    SettlementRefused(
                        reason=str(status),
                        job_id=settlement.id,
                        attempt=settlement.attempt,
                        worker_id=settlement.worker_id,
                        task=attempt.task,
                    )
                )
                continue
            if status is not None:
                _emit_settlement(attempt, status)
                yield attempt
        start += count


def _emit_settlement(attempt: EndedAttempt, status: JobStatus) -> None:
    settlement = attempt.settlement
    emit_settlement(
        outcome=settlement.outcome,
        status=status,
        job_id=settlement.id,
        attempt=settlement.attempt,
        worker_id=settlement.worker_id,
        task=attempt.task,
        queue=attempt.queue,
        error_type=settlement.error_type,
        error_message=settlement.error_message,
    )
