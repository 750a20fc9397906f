"""One job, its workers, and everything that can happen next to them.

A stall needs no event of its own: between any two steps of a worker, any number of other
things may happen, the end of its lease among them. That its lease may end although it is
renewed is more than a real supervisor allows. What is not part of the normal course is a trouble,
and a world has a limited number of them; so it has a limited number of ways.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from model.protocol import (
    Death,
    End,
    Job,
    can_cancel,
    can_retry,
    cancelled,
    claimed,
    promoted,
    retried,
    settled,
    stranded,
)
from pgqueue.core.lifecycle import JobStatus, Outcome

JOB_ID: Final = 1


@dataclass(frozen=True, slots=True)
class Rules:
    """The protocol; each field that is changed makes a wrong one.

    Attributes:
        fence: What a settled row is compared with: `status`, `worker`, `attempt`.
        counts_at_claim: Else an attempt is counted when its failure is reported.
        fences_rescue: Whether what the rescue writes is compared with what it had read.
        remembers_token: Whether the rescue writes with the token that it had read.
        heeds_delivery: Whether the rescue ends a started at_most_once job.
        heeds_cancel: Whether the rescue ends a job whose cancel was asked for.
        asks_again: Whether an end whose reply was lost is settled again as it was.
        reads_jobs_only: Whether a job is rescued without its worker's row, and that row kept.
        keeps_counting: Whether attempts are counted on after a retry by hand.
    """

    fence: frozenset[str] = frozenset({"status", "worker", "attempt"})
    counts_at_claim: bool = True
    fences_rescue: bool = True
    remembers_token: bool = True
    heeds_delivery: bool = True
    heeds_cancel: bool = True
    asks_again: bool = True
    reads_jobs_only: bool = True
    keeps_counting: bool = True


class Verb(StrEnum):
    """What happens."""

    CLAIM = "claims"
    CLAIM_UNHEARD = "claims, and the reply is lost"
    ACCOUNT = "takes account"
    START = "starts the task"
    END = "is done with it"
    SETTLE = "settles"
    SETTLE_UNSENT = "settles, and the question is lost"
    SETTLE_UNHEARD = "settles, and the reply is lost"
    DIE = "dies"
    STOP = "is stopped"
    BURY = "is buried by its supervisor"
    FALL_SILENT = "is given up: its lease has ended"
    REPLACE = "is replaced, and its row pruned"
    RESCUE = "loses its job to the rescue"
    READ = "is read by a rescue, which writes later"
    PROMOTE = "falls due"
    CANCEL = "is cancelled by a person"
    RETRY = "is retried by a person"


@dataclass(frozen=True, slots=True)
class Event:
    """One step: who did what, about which claim.

    `outcome` is how the task ended, or what was written.
    """

    verb: Verb
    worker: int | None = None
    claim: int | None = None
    outcome: Outcome | None = None

    def __str__(self) -> str:
        who = "the job" if self.worker is None else f"worker {self.worker}"
        of = "" if self.claim is None else f" [claim {self.claim}]"
        how = "" if self.outcome is None else f": {self.outcome}"
        return f"{who} {self.verb}{of}{how}"


@dataclass(frozen=True, slots=True)
class Hand:
    """An attempt in a worker's hand; `outcome` is how it ended, when it has."""

    claim: int
    attempt: int
    is_started: bool = False
    outcome: Outcome | None = None
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Worker:
    """A process and its row.

    Attributes:
        fate: Why the process ended; None while it lives.
        death: What its row says of its end; None while the row says that it lives.
    """

    id: int
    fate: str | None = None
    death: Death | None = None
    hands: tuple[Hand, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A row in `attempts`."""

    claim: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Letter:
    """What is about to be written about an attempt, and by whose token."""

    claim: int
    attempt: int
    worker: int
    end: End


@dataclass(frozen=True, slots=True)
class World:
    """All there is.

    Attributes:
        open: The claim that the running row stands for. Claims are counted by the model, so
            that it tells attempts apart where a wrong protocol does not.
        starts: How often the task's code was begun.
        losses: Losses in a row, whatever the row counts.
        retries: How often a person has retried the job.
        life: Claims before the last of these.
        letter: What a rescue has read and not written yet.
        troubles: How many may happen still.
    """

    job: Job
    workers: tuple[Worker, ...]
    troubles: int
    newest: int
    open: int | None = None
    records: tuple[Record, ...] = ()
    claims: int = 0
    starts: int = 0
    losses: int = 0
    retries: int = 0
    life: int = 0
    letter: Letter | None = None

    def worker(self, worker_id: int | None) -> Worker | None:
        """The worker with that id, if its row is there."""
        return next((each for each in self.workers if each.id == worker_id), None)


Step = tuple[Event, World]


@dataclass(frozen=True, slots=True)
class Scope:
    """How much there is of everything."""

    workers: int = 2
    max_attempts: int = 2
    troubles: int = 2
    is_once: bool = False

    def __str__(self) -> str:
        kind = ", at_most_once" if self.is_once else ""
        sizes = f"{self.workers} workers, {self.max_attempts} attempts"
        return f"{sizes}, {self.troubles} troubles{kind}"


def beginning(scope: Scope) -> World:
    """A job was enqueued, and workers are up."""
    job = Job(max_attempts=scope.max_attempts, is_once=scope.is_once)
    workers = tuple(Worker(n + 1) for n in range(scope.workers))
    return World(job, workers, scope.troubles, newest=scope.workers)


def normal(world: World, rules: Rules) -> Iterator[Step]:
    """What can happen next without any trouble."""
    for worker in world.workers:
        if worker.fate is None:
            yield from _claims(world, rules, worker, Verb.CLAIM)
            yield from _account(world, worker)
            for hand in worker.hands:
                yield from _hand(world, rules, worker, hand)
        yield from _ends(world, rules, worker)
    yield from _rescues(world, rules)
    if world.job.status is JobStatus.SCHEDULED:
        yield Event(Verb.PROMOTE), replace(world, job=promoted(world.job))


def troubled(world: World, rules: Rules) -> Iterator[Step]:
    """What can go wrong next."""
    if world.troubles:
        for event, after in _troubles(world, rules):
            yield event, replace(after, troubles=world.troubles - 1)


def _troubles(world: World, rules: Rules) -> Iterator[Step]:
    for worker in world.workers:
        if worker.fate is None:
            yield from _claims(world, rules, worker, Verb.CLAIM_UNHEARD)
            for hand in worker.hands:
                if hand.outcome is None:
                    yield _ended(world, worker, hand, Outcome.INTERRUPTED)
                else:
                    doubtful = replace(hand, is_doubtful=True)
                    unsent = _in_hand(world, worker, hand, doubtful)
                    yield Event(Verb.SETTLE_UNSENT, worker.id, hand.claim), unsent
                    written, outcome = _settled(unsent, rules, worker, hand)
                    yield Event(Verb.SETTLE_UNHEARD, worker.id, hand.claim, outcome), written
            if worker.death is None:
                yield Event(Verb.DIE, worker.id), _gone(world, worker, "died")
                yield Event(Verb.STOP, worker.id), _gone(world, worker, "stopped")
                death = Death("lease_expired")
                yield Event(Verb.FALL_SILENT, worker.id), _buried(world, worker, death)
    if can_cancel(world.job) and not world.job.is_cancelling:
        yield Event(Verb.CANCEL), replace(world, job=cancelled(world.job))
    if can_retry(world.job):
        job = retried(world.job)
        if not rules.keeps_counting:
            job = replace(job, attempt=0)
        after = replace(world, job=job, losses=0, retries=world.retries + 1, life=world.claims)
        yield Event(Verb.RETRY), after


# A worker.


def _claims(world: World, rules: Rules, worker: Worker, verb: Verb) -> Iterator[Step]:
    has_room = all(hand.outcome is not None for hand in worker.hands)
    if world.job.status is not JobStatus.QUEUED or worker.death is not None or not has_room:
        return
    job = claimed(world.job, worker.id)
    if not rules.counts_at_claim:
        job = replace(job, attempt=world.job.attempt)
    claim = world.claims + 1
    after = replace(world, job=job, claims=claim, open=claim)
    if verb is Verb.CLAIM:
        after = _with(after, replace(worker, hands=(*worker.hands, Hand(claim, job.attempt))))
    yield Event(verb, worker.id, claim), after


def _account(world: World, worker: Worker) -> Iterator[Step]:
    job = world.job
    hands = tuple(
        hand
        if hand.outcome is not None or job.is_held(hand.attempt, worker.id)
        else replace(hand, outcome=Outcome.INTERRUPTED)
        for hand in worker.hands
    )
    is_unheard = (
        job.is_running
        and job.worker == worker.id
        and job.attempt not in [hand.attempt for hand in hands]
    )
    if is_unheard and world.open is not None:
        hands = (*hands, Hand(world.open, job.attempt))
    if hands != worker.hands:
        yield Event(Verb.ACCOUNT, worker.id), _with(world, replace(worker, hands=hands))


def _hand(world: World, rules: Rules, worker: Worker, hand: Hand) -> Iterator[Step]:
    if hand.outcome is not None:
        after, outcome = _settled(world, rules, worker, hand)
        after = _in_hand(after, worker, hand, None)
        yield Event(Verb.SETTLE, worker.id, hand.claim, outcome), after
    elif hand.is_started:
        for end in (Outcome.SUCCEEDED, Outcome.FAILED):
            yield _ended(world, worker, hand, end)
        if world.job.is_cancelling:
            yield _ended(world, worker, hand, Outcome.CANCELLED)
    else:
        after = _in_hand(world, worker, hand, replace(hand, is_started=True))
        yield Event(Verb.START, worker.id, hand.claim), replace(after, starts=world.starts + 1)


def _ended(world: World, worker: Worker, hand: Hand, outcome: Outcome) -> Step:
    after = _in_hand(world, worker, hand, replace(hand, outcome=outcome))
    return Event(Verb.END, worker.id, hand.claim, outcome), after


def _settled(
    world: World, rules: Rules, worker: Worker, hand: Hand
) -> tuple[World, Outcome | None]:
    assert hand.outcome is not None
    outcome = hand.outcome
    if hand.is_doubtful and not rules.asks_again:
        outcome = Outcome.FAILED
    end = End(outcome, hand.is_started)
    return _written(world, rules, Letter(hand.claim, hand.attempt, worker.id, end))


def _written(world: World, rules: Rules, letter: Letter) -> tuple[World, Outcome | None]:
    """The world after a settle, and the outcome that was written; None where the fence held."""
    job, end = world.job, letter.end
    is_fitting = {
        "status": job.is_running,
        "worker": job.worker == letter.worker,
        "attempt": job.attempt == letter.attempt,
    }
    if not all(is_fitting[each] for each in rules.fence):
        return world, None
    is_forgetful = end.outcome is Outcome.LOST and not rules.heeds_cancel
    after = settled(replace(job, is_cancelling=False) if is_forgetful else job, end)
    after = replace(after, is_cancelling=job.is_cancelling)
    if not rules.counts_at_claim:
        after = replace(after, attempt=job.attempt + (end.outcome is Outcome.FAILED))
        if end.outcome is Outcome.LOST and not (job.is_cancelling or job.is_once):
            after = replace(after, status=JobStatus.QUEUED, losses=0)
    losses = {Outcome.LOST: world.losses + 1, Outcome.INTERRUPTED: world.losses}
    return replace(
        world,
        job=after,
        open=None,
        records=(*world.records, Record(letter.claim, end.outcome)),
        losses=losses.get(end.outcome, 0),
    ), end.outcome


# The end of a worker, and what becomes of its job.


def _ends(world: World, rules: Rules, worker: Worker) -> Iterator[Step]:
    if worker.fate is None:
        if worker.death is not None:
            # Its own supervisor finds it missing from a renewal, and ends it.
            yield Event(Verb.DIE, worker.id), _gone(world, worker, "died")
    elif worker.death is None:
        is_started = any(hand.is_started for hand in worker.hands)
        started = frozenset({JOB_ID} if is_started else ())
        yield Event(Verb.BURY, worker.id), _buried(world, worker, Death(worker.fate, started))
        # A whole host fell silent: nobody can tell what it had started.
        yield Event(Verb.FALL_SILENT, worker.id), _buried(world, worker, Death("lease_expired"))
    elif not (rules.reads_jobs_only and _runs(world, worker)):
        new = Worker(world.newest + 1)
        workers = tuple(new if each.id == worker.id else each for each in world.workers)
        after = replace(world, workers=workers, newest=new.id)
        yield Event(Verb.REPLACE, worker.id), after


def _rescues(world: World, rules: Rules) -> Iterator[Step]:
    if (letter := world.letter) is not None:
        fence = rules.fence if rules.fences_rescue else frozenset({"status"})
        job = world.job
        if not (rules.remembers_token or world.open is None or job.worker is None):
            letter = replace(letter, claim=world.open, attempt=job.attempt, worker=job.worker)
        read = replace(world, letter=None)
        after, outcome = _written(read, replace(rules, fence=fence), letter)
        yield Event(Verb.RESCUE, letter.worker, letter.claim, outcome), after
        return
    job, worker = world.job, world.worker(world.job.worker)
    if not job.is_running or (worker is None and not rules.reads_jobs_only):
        return
    death = Death() if worker is None else worker.death
    if death is None or job.worker is None or world.open is None:
        return
    end = stranded(JOB_ID, death)
    if not rules.heeds_delivery:
        end = replace(end, is_started=False)
    letter = Letter(world.open, job.attempt, job.worker, end)
    yield Event(Verb.READ, job.worker, letter.claim), replace(world, letter=letter)


def _runs(world: World, worker: Worker) -> bool:
    return world.job.is_running and world.job.worker == worker.id


def _gone(world: World, worker: Worker, fate: str) -> World:
    # What a dead process had in hand is on its board until it is buried, and nowhere then.
    hands = () if worker.death is not None else worker.hands
    return _with(world, replace(worker, fate=fate, hands=hands))


def _buried(world: World, worker: Worker, death: Death) -> World:
    hands = worker.hands if worker.fate is None else ()
    return _with(world, replace(worker, death=death, hands=hands))


def _with(world: World, worker: Worker) -> World:
    workers = tuple(worker if each.id == worker.id else each for each in world.workers)
    return replace(world, workers=workers)


def _in_hand(world: World, worker: Worker, old: Hand, new: Hand | None) -> World:
    hands = tuple(each for each in (new if each is old else each for each in worker.hands) if each)
    return _with(world, replace(worker, hands=hands))
