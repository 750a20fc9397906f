"""The state of the model: one job, its workers, and the rules of the protocol."""

from dataclasses import dataclass
from enum import StrEnum

from model.protocol import Death, End, Job
from pgqueue.core.lifecycle import Outcome


@dataclass(frozen=True, slots=True)
class Rules:
    """The protocol; a change of any field makes a wrong one.

    Attributes:
        fence: The fields that a settlement compares: `status`, `worker`, `attempt`.
        counts_at_claim: Whether an attempt counts at its claim, not at the report of its failure.
        fences_rescue: Whether the rescue compares the row with its token.
        remembers_token: Whether the rescue writes with the token that it has read.
        respects_delivery: Whether the rescue ends a started at_most_once job.
        respects_cancel: Whether the rescue ends a job whose cancel is requested.
        repeats_settlement: Whether a settlement without a reply is repeated unchanged.
        reads_jobs_only: Whether a job is rescued without its worker's row, and that row kept.
        keeps_counting: Whether a retry by a person keeps the count of attempts.
    """

    fence: frozenset[str] = frozenset({"status", "worker", "attempt"})
    counts_at_claim: bool = True
    fences_rescue: bool = True
    remembers_token: bool = True
    respects_delivery: bool = True
    respects_cancel: bool = True
    repeats_settlement: bool = True
    reads_jobs_only: bool = True
    keeps_counting: bool = True


class Verb(StrEnum):
    """The kinds of events."""

    CLAIM = "claims"
    CLAIM_REPLY_LOST = "claims, and the reply is lost"
    RECONCILE = "reconciles its claims"
    START = "starts the task"
    END = "finishes the task"
    SETTLE = "settles"
    SETTLE_UNSENT = "settles, and the statement is lost"
    SETTLE_REPLY_LOST = "settles, and the reply is lost"
    DIE = "dies"
    STOP = "is stopped"
    END_WORKER = "is ended by its supervisor"
    EXPIRE_LEASE = "loses its lease"
    REPLACE = "is replaced, and its row pruned"
    RESCUE = "loses its job to the rescue"
    READ = "is read by a rescue"
    PROMOTE = "becomes due"
    CANCEL = "is cancelled by a person"
    RETRY = "is retried by a person"


@dataclass(frozen=True, slots=True)
class Event:
    """One step: its verb, its worker and its claim.

    `outcome` is the end of the task, or the written outcome.
    """

    verb: Verb
    worker: int | None = None
    claim: int | None = None
    outcome: Outcome | None = None

    def __str__(self) -> str:
        subject = "the job" if self.worker is None else f"worker {self.worker}"
        about = "" if self.claim is None else f" [claim {self.claim}]"
        outcome = "" if self.outcome is None else f": {self.outcome}"
        return f"{subject} {self.verb}{about}{outcome}"


@dataclass(frozen=True, slots=True)
class ActiveAttempt:
    """An attempt in the memory of a worker; `outcome` is None while the task runs."""

    claim: int
    attempt: int
    is_started: bool = False
    outcome: Outcome | None = None
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Worker:
    """A process and its row.

    Attributes:
        exit_reason: The reason of the end of the process; None while it is alive.
        death: The end in its row; None while the row says that the worker is alive.
    """

    id: int
    exit_reason: str | None = None
    death: Death | None = None
    actives: tuple[ActiveAttempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A row in `attempts`."""

    claim: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """A settlement that is about to be written, with its token."""

    claim: int
    attempt: int
    worker: int
    end: End


@dataclass(frozen=True, slots=True)
class State:
    """One state of the model.

    Attributes:
        open: The claim of the running row. The model counts claims itself, so that it
            distinguishes attempts where a wrong protocol does not.
        starts: The number of starts of the task's code.
        losses: The losses in a row, whatever the row counts.
        retries: The retries by a person.
        life: The number of claims before the last of these retries.
        pending: The write of a rescue that has read and not yet written.
        faults: The number of faults that may still happen.
    """

    job: Job
    workers: tuple[Worker, ...]
    faults: int
    newest: int
    open: int | None = None
    records: tuple[Record, ...] = ()
    claims: int = 0
    starts: int = 0
    losses: int = 0
    retries: int = 0
    life: int = 0
    pending: PendingWrite | None = None

    def worker(self, worker_id: int | None) -> Worker | None:
        """The worker with this id; None when its row is deleted."""
        return next((worker for worker in self.workers if worker.id == worker_id), None)


Step = tuple[Event, State]


@dataclass(frozen=True, slots=True)
class Scope:
    """The limits of an exploration."""

    workers: int = 2
    max_attempts: int = 2
    faults: int = 2
    is_once: bool = False

    def __str__(self) -> str:
        kind = ", at_most_once" if self.is_once else ""
        sizes = f"{self.workers} workers, {self.max_attempts} attempts"
        return f"{sizes}, {self.faults} faults{kind}"
