"""The invariants of every step: of the state before, the event, and the state after."""

from collections.abc import Callable
from typing import Final

from model.protocol import LOSSES_MAX
from model.state import Event, State, Verb
from pgqueue.core.lifecycle import JobStatus, Outcome

Invariant = Callable[[State, Event, State], bool]


def a_final_status_stays(before: State, event: Event, after: State) -> bool:
    """Only a retry by a person changes a final status."""
    status = before.job.status
    return not status.is_final or event.verb is Verb.RETRY or after.job.status is status


def a_cancelled_job_is_not_claimed(before: State, event: Event, after: State) -> bool:
    """A cancelled job is not claimed until a person retries it."""
    return not (before.job.is_cancelling and after.claims > before.claims)


def a_success_is_the_last_attempt(before: State, event: Event, after: State) -> bool:
    """A job succeeded if and only if its last attempt did, and no other one since a retry."""
    claims = [
        record.claim
        for record in after.records
        if record.outcome is Outcome.SUCCEEDED and record.claim > after.life
    ]
    return claims == ([after.claims] if after.job.status is JobStatus.SUCCEEDED else [])


def running_is_one_open_attempt(before: State, event: Event, after: State) -> bool:
    """Every claim has exactly one row, except the claim of a running job."""
    closed = sorted(record.claim for record in after.records)
    expected = [n + 1 for n in range(after.claims) if n + 1 != after.open]
    return after.job.is_running == (after.open is not None) and closed == expected


def attempts_only_rise(before: State, event: Event, after: State) -> bool:
    """A claim takes the next number, and no other event changes the number."""
    return after.job.attempt - before.job.attempt == after.claims - before.claims


def attempts_are_capped(before: State, event: Event, after: State) -> bool:
    """The last allowed failure ends the job, and so does the third loss in a row."""
    failures = [
        record
        for record in after.records
        if record.outcome is Outcome.FAILED and record.claim > after.life
    ]
    is_spent = len(failures) >= after.job.max_attempts or after.losses >= LOSSES_MAX
    return after.job.status.is_final or not is_spent


def an_at_most_once_job_starts_once(before: State, event: Event, after: State) -> bool:
    """A job has at most one start, and one more for each retry by a person."""
    return not after.job.is_once or after.starts <= 1 + after.retries


def a_closed_attempt_writes_nothing(before: State, event: Event, after: State) -> bool:
    """A settlement of an attempt that is not open changes no row."""
    is_write = event.verb in (Verb.SETTLE, Verb.SETTLE_REPLY_LOST) and event.claim != before.open
    return not is_write or (before.job, before.records) == (after.job, after.records)


def only_the_dead_are_rescued(before: State, event: Event, after: State) -> bool:
    """A rescue closes the open attempt of an ended worker, or changes nothing."""
    if event.verb is not Verb.RESCUE or before.job == after.job:
        return True
    worker = before.worker(before.job.worker)
    return event.claim == before.open and (worker is None or worker.death is not None)


def a_row_tells_the_true_end(before: State, event: Event, after: State) -> bool:
    """The outcome that a worker writes is the outcome of the run."""
    if event.verb not in (Verb.SETTLE, Verb.SETTLE_REPLY_LOST) or event.outcome is None:
        return True
    worker = before.worker(event.worker)
    actives = worker.actives if worker is not None else ()
    return [event.outcome] == [active.outcome for active in actives if active.claim == event.claim]


INVARIANTS: Final[tuple[Invariant, ...]] = (
    a_final_status_stays,
    a_cancelled_job_is_not_claimed,
    a_success_is_the_last_attempt,
    running_is_one_open_attempt,
    attempts_only_rise,
    attempts_are_capped,
    an_at_most_once_job_starts_once,
    a_closed_attempt_writes_nothing,
    only_the_dead_are_rescued,
    a_row_tells_the_true_end,
)
