"""One worker: its parts put together, from its first claim to its last settled attempt.

The fetcher, the finisher and the line to the supervisor have threads of their own (greenlets
in a patched process); the executor has the main thread.
"""

import gc
import importlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pgqueue.core.current import (
    JobCancelled,
    JobContext,
    JobInterrupted,
)
from pgqueue.core.errors import PgqueueError, UnknownTask
from pgqueue.core.lifecycle import Outcome
from pgqueue.process.channel import Channel
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.database import Database
from pgqueue.store.settlements import Settlement
from pgqueue.tasks import loading
from pgqueue.tasks.task import Task
from pgqueue.worker import outcomes
from pgqueue.worker.completion import Completion
from pgqueue.worker.fetcher import Fetcher
from pgqueue.worker.finisher import Finisher
from pgqueue.worker.in_flight import ActiveAttempt, InFlight
from pgqueue.worker.interrupts import Interrupts
from pgqueue.worker.log_capture import LogCapture
from pgqueue.worker.outcomes import NotStarted
from pgqueue.worker.queues import Queues
from pgqueue.worker.runner import Runner

_log = logging.getLogger("pgqueue.worker")

# After JobInterrupted was raised in what still runs, it has this long to unwind. Shorter than
# the supervisor's patience, so that a worker ends by itself whenever it can.
_UNWIND_SECONDS = 1.0

_TICK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Config:
    """What a supervisor tells a worker at its start."""

    worker_id: int
    slots: int
    scoreboard_slots: int
    url: str = field(repr=False)
    schema: str
    queues: Sequence[str]
    strategy: str
    tasks: Sequence[str]
    prefetch_max: int
    settling_max: int
    result_bytes_max: int
    error_bytes_max: int
    log_lines_max: int
    log_bytes_max: int
    log_level: str
    lease_seconds: float
    timeout_grace_seconds: float


class Executor(Protocol):
    """What runs the attempts in hand; see `pgqueue.worker.executors`."""

    def serve(self) -> None: ...
    def wake(self) -> None: ...
    def close(self) -> None: ...
    def current(self) -> ActiveAttempt | None: ...
    def throw(self, attempt: ActiveAttempt, error: BaseException) -> None: ...


class _Host:
    """A worker, as the context of one attempt reaches it."""

    __slots__ = ("_held", "_worker")

    def __init__(self, worker: "Worker", attempt: ActiveAttempt) -> None:
        self._worker = worker
        self._held = attempt

    def progress(self, fraction: float, message: str) -> None:
        self._worker.finisher.output.add_progress(self._held, fraction, message)

    def should_stop(self) -> bool:
        return self._held.raised is not None or self._worker.is_stopping

    def complete(self, connection: object, result: object) -> None:
        self._worker.completion.complete(self._held, connection, result)

    async def acomplete(self, connection: object, result: object) -> None:
        await self._worker.completion.acomplete(self._held, connection, result)


class Worker:
    """A worker of one kind, connected to its supervisor by a line.

    Args:
        kind: `greenlet`, `asyncio` or `process`.
        board: What the supervisor sees of it.
    """

    def __init__(self, kind: str, config: Config, channel: Channel, scoreboard: Scoreboard) -> None:
        self.kind = kind
        self.config = config
        self.channel = channel
        self._database = Database(config.url, config.schema)
        self._limits = outcomes.Limits(config.result_bytes_max, config.error_bytes_max)
        self._stop_at: float | None = None
        self._stops = threading.Event()
        self.in_flight = InFlight(
            slots=config.slots,
            prefetch_max=config.prefetch_max,
            settling_max=config.settling_max,
            scoreboard=scoreboard,
        )
        self.runner = Runner(
            self.in_flight,
            self._limits,
            find_task=self._find_task,
            context_of=self._context_of,
            on_started=lambda attempt: self.interrupts.watch(attempt),
            on_ended=self._on_ended,
        )
        self.executor = _executor(kind, self.in_flight, self.runner)
        self.interrupts = Interrupts(
            self.in_flight, self.executor, again_seconds=config.timeout_grace_seconds / 2
        )
        self.finisher = Finisher(
            self._database,
            self.in_flight,
            worker_id=config.worker_id,
            on_refused=lambda attempt, error: outcomes.unstorable(attempt, error, self._limits),
        )
        self.completion = Completion(self.finisher, self._limits, self._database.schema)
        self.queues = Queues(config.queues, is_round_robin=config.strategy == "round_robin")
        self.fetcher = Fetcher(
            self._database,
            self.in_flight,
            worker_id=config.worker_id,
            executor=kind,
            queues=self.queues,
            on_claimed=self._take,
            on_arrived=self.executor.wake,
            on_release=self._release,
            on_taken_away=self._let_go,
            reconcile_seconds=config.lease_seconds,
        )
        self.fetcher.on_schema_too_new = lambda error: self.channel.send(
            "schema_too_new", message=str(error)
        )
        self.capture = LogCapture(
            held_of=lambda context: self.in_flight.find((context.id, context.attempt)),
            note=self.finisher.output.add_line,
            lines_max=config.log_lines_max,
            bytes_max=config.log_bytes_max,
        )

    def serve(self) -> None:
        """Work until the supervisor says stop, or is gone; blocks the main thread."""
        logging.getLogger().addHandler(self.capture)
        self.interrupts.install()
        self.finisher.start()
        # A stop that came during the start must be known before the first claim.
        self._heed(self.channel.receive(wait=False) or [])
        self.fetcher.start()
        for target in (self._hear, self._wind_down):
            threading.Thread(target=target, daemon=True, name=target.__name__).start()
        # What is there by now stays, and need not be looked through for garbage again and again.
        gc.collect()
        gc.freeze()
        self.executor.serve()
        # What is not settled by now is handed back by the supervisor, from the worker's row.
        self.finisher.stop(timeout=_UNWIND_SECONDS)

    def stop(self, grace_seconds: float) -> None:
        """Claim nothing more, and end when what runs has ended, or the grace is over."""
        at = time.monotonic() + grace_seconds
        if self._stop_at is None or at < self._stop_at:
            self._stop_at = at
        self.fetcher.close_intake()
        self._stops.set()

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stops.is_set()

    # The supervisor's line.

    def _hear(self) -> None:
        while (messages := self.channel.receive()) is not None:
            self._heed(messages)
        # The supervisor is gone: nobody renews our lease, so nothing may go on.
        self.stop(0.0)

    def _heed(self, messages: Iterable[dict[str, Any]]) -> None:
        for message in messages:
            match message["verb"]:
                case "claim":
                    self.fetcher.queues_ready(message["queues"])
                    self.finisher.expect()
                case "queues_ready":
                    self.queues.hear(message["queues"])
                case "cancel":
                    self._cancel(message["jobs"])
                case "unknown":
                    # To another worker, which may be of another age: look here, as far as no
                    # module has to be imported for it.
                    for name in message["tasks"]:
                        if not loading.may_import(name):
                            self._task(name)
                case "stop":
                    self.stop(message["grace_seconds"])

    def _cancel(self, jobs: Iterable[Sequence[int]]) -> None:
        for job_id, number in jobs:
            # Told at every poll while it runs; one that does not yield is told again now and
            # then, and its clean-up is not cut short each time.
            attempt = self.in_flight.find((job_id, number))
            if attempt is not None and self.interrupts.may_ask(attempt):
                self.interrupts.ask(attempt, lambda: JobCancelled("The job was cancelled."))

    def _wind_down(self) -> None:
        self._stops.wait()
        while self._stop_at is not None and time.monotonic() < self._stop_at and self._has_work:
            time.sleep(_TICK_SECONDS)
        until = time.monotonic() + _UNWIND_SECONDS
        while self._has_work and time.monotonic() < until:
            self._interrupt_all()
            time.sleep(_TICK_SECONDS)
        self.fetcher.stop(timeout=_UNWIND_SECONDS)
        self.executor.close()
        if self._has_work:
            # Something resists. Its end must not wait for the task's: the process goes, and
            # the supervisor hands the job back.
            self.finisher.stop(timeout=_UNWIND_SECONDS)
            os._exit(0)

    def _interrupt_all(self) -> None:
        # Again and again, for what was on its way to its start the time before.
        for attempt in self.in_flight.all():
            attempt.is_revoked = True
            if attempt.is_interruptible and self.interrupts.may_ask(attempt):
                self.interrupts.ask(attempt, _interrupted)

    @property
    def _has_work(self) -> bool:
        return len(self.in_flight) > 0 or not self.finisher.is_idle

    # From a claim to what runs.

    def _take(self, claimed: Sequence[ClaimedAttempt], received_at: float) -> list[ActiveAttempt]:
        taken = []
        found: dict[str, Task[..., Any]] = {}
        for each in claimed:
            attempt = ActiveAttempt(each, found.get(each.task), received_at)
            try:
                # A module is the application's code, so it is imported where a task would run:
                # by then the board tells of the job, and its timeout counts.
                if attempt.task is None and not loading.may_import(each.task):
                    attempt.task = found[each.task] = self._find_task(attempt)
                taken.append(attempt)
            except NotStarted as error:
                self.in_flight.take_in_unrun(attempt)
                self.finisher.put(attempt, outcomes.failed(attempt, error, self._limits))
        return taken

    def _find_task(self, attempt: ActiveAttempt) -> Task[..., Any]:
        name = attempt.claimed.task
        task = self._task(name)
        if task is None:
            raise NotStarted(f"Worker {self.config.worker_id} knows no task named {name!r}.")
        kind = str(task.options.executor)
        if kind != self.kind:
            self.channel.send("executors", executors=[kind])
            reason = f"The task runs in {kind} workers; this one is {self.kind}."
            raise NotStarted(reason, executor=kind)
        return task

    def _task(self, name: str) -> Task[..., Any] | None:
        try:
            return loading.resolve(name)
        except UnknownTask:
            reason = "no such task"
        except PgqueueError as error:
            reason = str(error)
        if self.fetcher.leave_to_others(name):
            facts = {"task": name, "reason": reason}
            _log.warning("task unknown here, left to others", extra=facts)
            self.channel.send("unknown", tasks=[name])
        return None

    def _release(self, waiting: Iterable[ActiveAttempt]) -> None:
        for attempt in waiting:
            reason = "It waited in hand for a slot, and was handed back."
            self.finisher.put(attempt, outcomes.never_started(attempt, reason=reason))

    def _let_go(self, taken_away: Iterable[ActiveAttempt]) -> None:
        for attempt in taken_away:
            facts = {"job_id": attempt.claimed.id, "attempt": attempt.claimed.attempt}
            # What was not started yet runs elsewhere, with no loss to anybody.
            level = logging.DEBUG if attempt.started_at is None else logging.WARNING
            _log.log(level, "attempt taken away", extra=facts)
            attempt.is_revoked = True
            self.interrupts.ask(attempt, lambda: JobInterrupted("The job's lease was lost."))

    # Around a run.

    def _context_of(
        self, attempt: ActiveAttempt, task: Task[..., Any], args: dict[str, object]
    ) -> JobContext:
        claimed = attempt.claimed
        return JobContext(
            id=claimed.id,
            attempt=claimed.attempt,
            task=claimed.task,
            args=args,
            host=_Host(self, attempt),
            secrets=task.secrets_in(claimed.args, args),
        )

    def _on_ended(self, attempt: ActiveAttempt, ended: Settlement) -> None:
        self.capture.tell_dropped(attempt)
        if attempt.is_completed and ended.outcome is Outcome.SUCCEEDED:
            # Settled already, in the task's own transaction. Should that have been rolled
            # back after all, the row still runs, and this is what befell it.
            ended.outcome = Outcome.FAILED
            ended.error_type = "CompletionRolledBack"
            ended.error_message = "complete() was called, and its transaction did not commit."
        self.finisher.put(attempt, ended)


def _interrupted() -> BaseException:
    return JobInterrupted("The worker has to stop; the job is queued again.")


def _executor(kind: str, in_flight: InFlight, runner: Runner) -> Executor:
    # Imported by kind: gevent may only be loaded in a process that it has patched.
    name, attribute, pipe = {
        "greenlet": ("greenlets", "GreenletExecutor", runner.run),
        "asyncio": ("event_loop", "EventLoopExecutor", runner.arun),
        "process": ("single", "SingleExecutor", runner.run),
    }[kind]
    module = importlib.import_module(f"pgqueue.worker.executors.{name}")
    make: Callable[[InFlight, Any], Executor] = getattr(module, attribute)
    return make(in_flight, pipe)
