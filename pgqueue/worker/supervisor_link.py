"""The messages between a worker and its supervisor: `Reports` go out, `Commands` come in."""

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pgqueue.core.decisions import JobCancelled
from pgqueue.process.channel import Channel

if TYPE_CHECKING:
    from pgqueue.worker.fetcher import Fetcher
    from pgqueue.worker.finisher import Finisher
    from pgqueue.worker.in_flight import InFlight
    from pgqueue.worker.interrupts import Interrupts
    from pgqueue.worker.queues import Queues
    from pgqueue.worker.shutdown import Shutdown
    from pgqueue.worker.task_lookup import TaskLookup


@dataclass(frozen=True, slots=True)
class Reports:
    """Messages to the supervisor; safe on any thread."""

    channel: Channel

    def ready(self, executors: Sequence[str]) -> None:
        """The worker has loaded its tasks, which need these executors."""
        self.channel.send("ready", executors=list(executors))

    def refused(self, message: str, exit_code: int) -> None:
        """The worker cannot start, and another try would not help."""
        self.channel.send("refused", message=message, exit_code=exit_code)

    def schema_too_new(self, error: Exception) -> None:
        """The schema was migrated by a release that this one does not work with."""
        self.channel.send("schema_too_new", message=str(error))

    def unknown_task(self, name: str) -> None:
        """The worker cannot run a task."""
        self.channel.send("unknown", tasks=[name])

    def executor(self, executor: str) -> None:
        """The worker met a task that needs this executor."""
        self.channel.send("executors", executors=[executor])

    def counters(self, **counters: float | None) -> bool:
        """What the worker counts; False when the message could not be sent without waiting."""
        return self.channel.try_send("counters", **counters)


@dataclass(frozen=True, slots=True)
class Commands:
    """Messages from the supervisor, and the parts of the worker that they are for."""

    channel: Channel
    queues: "Queues"
    fetcher: "Fetcher"
    finisher: "Finisher"
    tasks: "TaskLookup"
    in_flight: "InFlight"
    interrupts: "Interrupts"
    shutdown: "Shutdown"

    def start(self) -> None:
        """Receive on a thread from now on."""
        threading.Thread(target=self._receive_all, daemon=True, name="commands").start()

    def receive_pending(self) -> None:
        """Handle the messages that have arrived; before `start` only."""
        self._handle(self.channel.receive(wait=False) or [])

    def _receive_all(self) -> None:
        with suppress(ValueError):  # a task read from the channel, or wrote to it
            while (messages := self.channel.receive()) is not None:
                self._handle(messages)
        # The supervisor is gone and nobody renews the lease, so nothing may go on.
        self.shutdown.stop(0.0)

    def _handle(self, messages: Iterable[dict[str, Any]]) -> None:
        for message in messages:
            match message["verb"]:
                case "claim":
                    self.fetcher.request_claim(message["queues"])
                    self.finisher.check_connection()
                case "queues_ready":
                    self.queues.add_ready(message["queues"])
                case "cancel":
                    self._cancel(message["jobs"])
                case "unknown":
                    self.tasks.check(message["tasks"])
                case "stop":
                    self.shutdown.stop(message["grace_seconds"])

    def _cancel(self, keys: Iterable[Sequence[int]]) -> None:
        for job_id, number in keys:
            # The supervisor repeats the message while the job runs. The error is raised again
            # only now and then, so that it does not cut short a clean-up each time.
            attempt = self.in_flight.find((job_id, number))
            if attempt is not None and self.interrupts.may_request(attempt):
                self.interrupts.request(attempt, lambda: JobCancelled("The job was cancelled."))
