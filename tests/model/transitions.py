"""The possible next steps of a state.

A stall needs no event of its own: between two steps of a worker, any number of other events may
happen, the end of its lease included. The model lets a lease end although it is renewed, which is
more than a real supervisor does. Each event outside the normal course is a fault. A state has a
limited number of faults, so the number of states is limited.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from model.protocol import (
    Death,
    End,
    Job,
    can_cancel,
    can_retry,
    cancelled,
    claimed,
    orphan_end,
    promoted,
    retried,
    settled,
)
from model.state import (
    ActiveAttempt,
    Event,
    PendingWrite,
    Record,
    Rules,
    Scope,
    State,
    Step,
    Verb,
    Worker,
)
from pgqueue.core.lifecycle import JobStatus, Outcome

JOB_ID: Final = 1


def first_state(scope: Scope) -> State:
    """The state with an enqueued job and idle workers."""
    job = Job(max_attempts=scope.max_attempts, is_once=scope.is_once)
    workers = tuple(Worker(n + 1) for n in range(scope.workers))
    return State(job, workers, scope.faults, newest=scope.workers)


def normal_steps(state: State, rules: Rules) -> Iterator[Step]:
    """The possible next steps without a fault."""
    for worker in state.workers:
        if worker.exit_reason is None:
            yield from _claim_steps(state, rules, worker, Verb.CLAIM)
            yield from _reconcile_steps(state, worker)
            for active in worker.actives:
                yield from _attempt_steps(state, rules, worker, active)
        yield from _worker_end_steps(state, rules, worker)
    yield from _rescue_steps(state, rules)
    if state.job.status is JobStatus.SCHEDULED:
        yield Event(Verb.PROMOTE), replace(state, job=promoted(state.job))


def faulty_steps(state: State, rules: Rules) -> Iterator[Step]:
    """The possible next steps with a fault."""
    if state.faults:
        for event, after in _fault_steps(state, rules):
            yield event, replace(after, faults=state.faults - 1)


def _fault_steps(state: State, rules: Rules) -> Iterator[Step]:
    for worker in state.workers:
        if worker.exit_reason is None:
            yield from _claim_steps(state, rules, worker, Verb.CLAIM_REPLY_LOST)
            for active in worker.actives:
                if active.outcome is None:
                    yield _ended(state, worker, active, Outcome.INTERRUPTED)
                else:
                    doubtful = replace(active, is_doubtful=True)
                    unsent = _with_active(state, worker, active, doubtful)
                    yield Event(Verb.SETTLE_UNSENT, worker.id, active.claim), unsent
                    written, outcome = _settled(unsent, rules, worker, active)
                    yield Event(Verb.SETTLE_REPLY_LOST, worker.id, active.claim, outcome), written
            if worker.death is None:
                yield Event(Verb.DIE, worker.id), _with_exit(state, worker, "died")
                yield Event(Verb.STOP, worker.id), _with_exit(state, worker, "stopped")
                yield (
                    Event(Verb.EXPIRE_LEASE, worker.id),
                    _with_death(state, worker, Death("lease_expired")),
                )
    if can_cancel(state.job) and not state.job.is_cancelling:
        yield Event(Verb.CANCEL), replace(state, job=cancelled(state.job))
    if can_retry(state.job):
        job = retried(state.job)
        if not rules.keeps_counting:
            job = replace(job, attempt=0)
        after = replace(state, job=job, losses=0, retries=state.retries + 1, life=state.claims)
        yield Event(Verb.RETRY), after


# The steps of a worker.


def _claim_steps(state: State, rules: Rules, worker: Worker, verb: Verb) -> Iterator[Step]:
    is_free = all(active.outcome is not None for active in worker.actives)
    if state.job.status is not JobStatus.QUEUED or worker.death is not None or not is_free:
        return
    job = claimed(state.job, worker.id)
    if not rules.counts_at_claim:
        job = replace(job, attempt=state.job.attempt)
    claim = state.claims + 1
    after = replace(state, job=job, claims=claim, open=claim)
    if verb is Verb.CLAIM:
        after = _with(
            after, replace(worker, actives=(*worker.actives, ActiveAttempt(claim, job.attempt)))
        )
    yield Event(verb, worker.id, claim), after


def _reconcile_steps(state: State, worker: Worker) -> Iterator[Step]:
    job = state.job
    actives = tuple(
        active
        if active.outcome is not None or job.is_owned_by(active.attempt, worker.id)
        else replace(active, outcome=Outcome.INTERRUPTED)
        for active in worker.actives
    )
    is_unknown = (
        job.is_running
        and job.worker == worker.id
        and job.attempt not in [active.attempt for active in actives]
    )
    if is_unknown and state.open is not None:
        actives = (*actives, ActiveAttempt(state.open, job.attempt))
    if actives != worker.actives:
        yield Event(Verb.RECONCILE, worker.id), _with(state, replace(worker, actives=actives))


def _attempt_steps(
    state: State, rules: Rules, worker: Worker, active: ActiveAttempt
) -> Iterator[Step]:
    if active.outcome is not None:
        after, outcome = _settled(state, rules, worker, active)
        after = _with_active(after, worker, active, None)
        yield Event(Verb.SETTLE, worker.id, active.claim, outcome), after
    elif active.is_started:
        for end in (Outcome.SUCCEEDED, Outcome.FAILED):
            yield _ended(state, worker, active, end)
        if state.job.is_cancelling:
            yield _ended(state, worker, active, Outcome.CANCELLED)
    else:
        after = _with_active(state, worker, active, replace(active, is_started=True))
        yield Event(Verb.START, worker.id, active.claim), replace(after, starts=state.starts + 1)


def _ended(state: State, worker: Worker, active: ActiveAttempt, outcome: Outcome) -> Step:
    after = _with_active(state, worker, active, replace(active, outcome=outcome))
    return Event(Verb.END, worker.id, active.claim, outcome), after


def _settled(
    state: State, rules: Rules, worker: Worker, active: ActiveAttempt
) -> tuple[State, Outcome | None]:
    assert active.outcome is not None
    outcome = active.outcome
    if active.is_doubtful and not rules.repeats_settlement:
        outcome = Outcome.FAILED
    end = End(outcome, active.is_started)
    return _written(state, rules, PendingWrite(active.claim, active.attempt, worker.id, end))


def _written(state: State, rules: Rules, pending: PendingWrite) -> tuple[State, Outcome | None]:
    """The state after a settlement, and the written outcome; None when the fence refused it."""
    job, end = state.job, pending.end
    matches = {
        "status": job.is_running,
        "worker": job.worker == pending.worker,
        "attempt": job.attempt == pending.attempt,
    }
    if not all(matches[name] for name in rules.fence):
        return state, None
    ignores_cancel = end.outcome is Outcome.LOST and not rules.respects_cancel
    after = settled(replace(job, is_cancelling=False) if ignores_cancel else job, end)
    after = replace(after, is_cancelling=job.is_cancelling)
    if not rules.counts_at_claim:
        after = replace(after, attempt=job.attempt + (end.outcome is Outcome.FAILED))
        if end.outcome is Outcome.LOST and not (job.is_cancelling or job.is_once):
            after = replace(after, status=JobStatus.QUEUED, losses=0)
    losses = {Outcome.LOST: state.losses + 1, Outcome.INTERRUPTED: state.losses}
    return replace(
        state,
        job=after,
        open=None,
        records=(*state.records, Record(pending.claim, end.outcome)),
        losses=losses.get(end.outcome, 0),
    ), end.outcome


# The end of a worker, and the rescue of its job.


def _worker_end_steps(state: State, rules: Rules, worker: Worker) -> Iterator[Step]:
    if worker.exit_reason is None:
        if worker.death is not None:
            # Its supervisor finds it missing in a renewal, and ends it.
            yield Event(Verb.DIE, worker.id), _with_exit(state, worker, "died")
    elif worker.death is None:
        is_started = any(active.is_started for active in worker.actives)
        started = frozenset({JOB_ID} if is_started else ())
        yield (
            Event(Verb.END_WORKER, worker.id),
            _with_death(state, worker, Death(worker.exit_reason, started)),
        )
        # The whole host is lost: the started jobs are unknown.
        yield (
            Event(Verb.EXPIRE_LEASE, worker.id),
            _with_death(state, worker, Death("lease_expired")),
        )
    elif not (rules.reads_jobs_only and _runs(state, worker)):
        new = Worker(state.newest + 1)
        workers = tuple(new if other.id == worker.id else other for other in state.workers)
        after = replace(state, workers=workers, newest=new.id)
        yield Event(Verb.REPLACE, worker.id), after


def _rescue_steps(state: State, rules: Rules) -> Iterator[Step]:
    if (pending := state.pending) is not None:
        fence = rules.fence if rules.fences_rescue else frozenset({"status"})
        job = state.job
        if not (rules.remembers_token or state.open is None or job.worker is None):
            pending = replace(pending, claim=state.open, attempt=job.attempt, worker=job.worker)
        read = replace(state, pending=None)
        after, outcome = _written(read, replace(rules, fence=fence), pending)
        yield Event(Verb.RESCUE, pending.worker, pending.claim, outcome), after
        return
    job, worker = state.job, state.worker(state.job.worker)
    if not job.is_running or (worker is None and not rules.reads_jobs_only):
        return
    death = Death() if worker is None else worker.death
    if death is None or job.worker is None or state.open is None:
        return
    end = orphan_end(JOB_ID, death)
    if not rules.respects_delivery:
        end = replace(end, is_started=False)
    pending = PendingWrite(state.open, job.attempt, job.worker, end)
    yield Event(Verb.READ, job.worker, pending.claim), replace(state, pending=pending)


def _runs(state: State, worker: Worker) -> bool:
    return state.job.is_running and state.job.worker == worker.id


def _with_exit(state: State, worker: Worker, exit_reason: str) -> State:
    # The scoreboard keeps the attempts of a dead process until its row is ended.
    actives = () if worker.death is not None else worker.actives
    return _with(state, replace(worker, exit_reason=exit_reason, actives=actives))


def _with_death(state: State, worker: Worker, death: Death) -> State:
    actives = worker.actives if worker.exit_reason is None else ()
    return _with(state, replace(worker, death=death, actives=actives))


def _with(state: State, worker: Worker) -> State:
    workers = tuple(worker if other.id == worker.id else other for other in state.workers)
    return replace(state, workers=workers)


def _with_active(
    state: State, worker: Worker, old: ActiveAttempt, new: ActiveAttempt | None
) -> State:
    replaced = (new if active is old else active for active in worker.actives)
    actives = tuple(active for active in replaced if active)
    return _with(state, replace(worker, actives=actives))
