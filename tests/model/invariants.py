"""What must hold after every step: (the world before, what happened, the world after)."""

from collections.abc import Callable
from typing import Final

from model.protocol import LOSSES_MAX
from model.world import Event, Verb, World
from pgqueue.core.lifecycle import JobStatus, Outcome

Invariant = Callable[[World, Event, World], bool]


def a_final_status_stays(before: World, event: Event, after: World) -> bool:
    """Nothing but a person's retry leaves a final status."""
    status = before.job.status
    return not status.is_final or event.verb is Verb.RETRY or after.job.status is status


def a_cancelled_job_is_not_claimed(before: World, event: Event, after: World) -> bool:
    """After a cancel nothing is claimed until a person retries."""
    return not (before.job.is_cancelling and after.claims > before.claims)


def a_success_is_the_last_attempt(before: World, event: Event, after: World) -> bool:
    """A job has succeeded if and only if one attempt of this life has, and it is the last."""
    claims = [
        each.claim
        for each in after.records
        if each.outcome is Outcome.SUCCEEDED and each.claim > after.life
    ]
    return claims == ([after.claims] if after.job.status is JobStatus.SUCCEEDED else [])


def running_is_one_open_attempt(before: World, event: Event, after: World) -> bool:
    """Every claim but the one of a running job has left exactly one row."""
    closed = sorted(each.claim for each in after.records)
    expected = [n + 1 for n in range(after.claims) if n + 1 != after.open]
    return after.job.is_running == (after.open is not None) and closed == expected


def attempts_only_rise(before: World, event: Event, after: World) -> bool:
    """A claim takes the next number, and nothing else changes it."""
    return after.job.attempt - before.job.attempt == after.claims - before.claims


def attempts_are_capped(before: World, event: Event, after: World) -> bool:
    """The last failure allowed in one life ends the job, and so does the third loss in a row."""
    failures = [
        each for each in after.records if each.outcome is Outcome.FAILED and each.claim > after.life
    ]
    is_spent = len(failures) >= after.job.max_attempts or after.losses >= LOSSES_MAX
    return after.job.status.is_final or not is_spent


def an_at_most_once_job_starts_once(before: World, event: Event, after: World) -> bool:
    """At most one start, and one more for each retry by a person."""
    return not after.job.is_once or after.starts <= 1 + after.retries


def a_closed_attempt_writes_nothing(before: World, event: Event, after: World) -> bool:
    """Who settles an attempt that is not the open one changes neither row."""
    is_write = event.verb in (Verb.SETTLE, Verb.SETTLE_UNHEARD) and event.claim != before.open
    return not is_write or (before.job, before.records) == (after.job, after.records)


def only_the_dead_are_rescued(before: World, event: Event, after: World) -> bool:
    """A rescue closes the open attempt of an ended worker, or nothing."""
    if event.verb is not Verb.RESCUE or before.job == after.job:
        return True
    worker = before.worker(before.job.worker)
    return event.claim == before.open and (worker is None or worker.death is not None)


def a_row_tells_the_true_end(before: World, event: Event, after: World) -> bool:
    """What a worker writes of a task is how the task ended in its hands."""
    if event.verb not in (Verb.SETTLE, Verb.SETTLE_UNHEARD) or event.outcome is None:
        return True
    worker = before.worker(event.worker)
    hands = worker.hands if worker is not None else ()
    return [event.outcome] == [each.outcome for each in hands if each.claim == event.claim]


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
