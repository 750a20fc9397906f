"""One worker: its parts put together, from its first claim to its last settled attempt.

The fetcher, the finisher, the commands and the shutdown have threads of their own (greenlets in a
patched process). The executor has the main thread.
"""

import gc
import importlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pgqueue.process.channel import Channel
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.store.connection.database import Database
from pgqueue.store.settlements import Settlement
from pgqueue.worker import forks
from pgqueue.worker.active_attempt import ActiveAttempt
from pgqueue.worker.claim_plan import ClaimPlan
from pgqueue.worker.completion import Completion
from pgqueue.worker.counters import Counters
from pgqueue.worker.executors import Executor
from pgqueue.worker.fetcher import Claimant, Fetcher
from pgqueue.worker.finisher import Finisher
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.intake import Intake
from pgqueue.worker.interrupts import Interrupts
from pgqueue.worker.job_context import JobContexts
from pgqueue.worker.lease_watch import LeaseWatch
from pgqueue.worker.log_capture import LogCapture
from pgqueue.worker.outcomes import Limits
from pgqueue.worker.queues import Queues
from pgqueue.worker.reconciliation import Reconciliation
from pgqueue.worker.runner import Runner
from pgqueue.worker.shutdown import UNWIND_SECONDS, Shutdown
from pgqueue.worker.start_context import NewContext, StartContext
from pgqueue.worker.supervisor_link import Commands, Reports
from pgqueue.worker.task_lookup import TaskLookup


@dataclass(frozen=True, slots=True)
class Config:
    """What a supervisor sends to a worker at its start."""

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
    log_format: str
    log_jobs: bool
    log_config: str
    lease_seconds: float
    timeout_grace_seconds: float


class Worker:
    """A worker of one kind, connected to its supervisor by a channel.

    Args:
        kind: `greenlet`, `asyncio` or `process`.
        scoreboard: What the supervisor sees of the worker, in shared memory.
    """

    def __init__(self, kind: str, config: Config, channel: Channel, scoreboard: Scoreboard) -> None:
        database = Database(config.url, config.schema)
        limits = Limits(config.result_bytes_max, config.error_bytes_max)
        reports, stopping = Reports(channel), threading.Event()
        self._channel, self._scoreboard = channel, scoreboard
        tasks = TaskLookup(kind, config.worker_id, reports)
        queues = Queues(config.queues, is_round_robin=config.strategy == "round_robin")
        in_flight = InFlight(
            slots=config.slots,
            prefetch_max=config.prefetch_max,
            settling_max=config.settling_max,
            scoreboard=scoreboard,
        )
        counters = Counters(in_flight, reports)
        self.interrupts = Interrupts(in_flight, repeat_seconds=config.timeout_grace_seconds / 2)
        self.finisher = Finisher(database, in_flight, worker_id=config.worker_id, counters=counters)
        self.capture = LogCapture(
            self.finisher.output.add_line,
            lines_max=config.log_lines_max,
            bytes_max=config.log_bytes_max,
        )
        completion = Completion(self.finisher.output, limits, database.schema)
        contexts = JobContexts(self.finisher.output, completion, stopping)
        start_context = StartContext()
        runner = Runner(
            in_flight,
            limits,
            find_task=partial(start_context.keep, tasks.task_of),
            context_of=contexts.context_of,
            watch=self.interrupts.watch,
            settle=self._settle,
        )
        self.executor = _executor(kind, in_flight, runner, start_context.new_context)
        self.lease_watch = LeaseWatch(
            scoreboard,
            lease_seconds=config.lease_seconds,
            raise_alarm=self.interrupts.raise_alarm,
        )
        intake = Intake(
            in_flight,
            self.finisher,
            tasks,
            self.interrupts,
            counters,
            limits=limits,
            on_added=self.executor.wake,
        )
        claimant = Claimant(config.worker_id, kind, tasks.unknown)
        self.fetcher = Fetcher(
            database,
            in_flight,
            claimant,
            ClaimPlan(queues),
            intake,
            Reconciliation(
                in_flight,
                intake,
                size=claimant.size,
                worker_id=config.worker_id,
                interval_seconds=config.lease_seconds,
            ),
            counters,
        )
        self.fetcher.on_schema_too_new = reports.schema_too_new
        self.shutdown = Shutdown(
            stopping,
            in_flight=in_flight,
            fetcher=self.fetcher,
            finisher=self.finisher,
            executor=self.executor,
            interrupts=self.interrupts,
        )
        self.commands = Commands(
            channel,
            queues=queues,
            fetcher=self.fetcher,
            finisher=self.finisher,
            tasks=tasks,
            in_flight=in_flight,
            interrupts=self.interrupts,
            shutdown=self.shutdown,
        )

    def abandon(self) -> None:
        """In a fork, let go of all that the worker shares with it."""
        self.executor.stop_others()
        self._scoreboard.detach()
        self._channel.abandon()
        for loop in (self.fetcher, self.finisher):
            loop.abandon()

    def serve(self) -> None:
        """Work until the supervisor sends `stop`, or is gone; blocks the main thread."""
        forks.on_fork(self.abandon)
        self.capture.install()
        self.interrupts.install(self.executor)
        self.lease_watch.start()
        self.finisher.start()
        # A stop that came during the start must be known before the first claim.
        self.commands.receive_pending()
        self.fetcher.start()
        self.commands.start()
        self.shutdown.start()
        # The objects that exist now stay, so that no later collection need check them.
        gc.collect()
        gc.freeze()
        self.executor.serve()
        # The supervisor returns jobs that are not settled by now to the queue.
        self.finisher.stop(timeout=UNWIND_SECONDS)

    def _settle(self, attempt: ActiveAttempt, settlement: Settlement) -> None:
        self.capture.end(attempt)
        self.finisher.put(attempt, settlement)


def _executor(kind: str, in_flight: InFlight, runner: Runner, new_context: NewContext) -> Executor:
    # Imported by kind: gevent may only be loaded in a process that it has patched.
    name, attribute, pipe = {
        "greenlet": ("greenlets", "GreenletExecutor", runner.run),
        "asyncio": ("event_loop", "EventLoopExecutor", runner.arun),
        "process": ("single", "SingleExecutor", runner.run),
    }[kind]
    module = importlib.import_module(f"pgqueue.worker.executors.{name}")
    make: Callable[[InFlight, Any, NewContext], Executor] = getattr(module, attribute)
    return make(in_flight, pipe, new_context)
