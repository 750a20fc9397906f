"""The `JobContext` of an attempt, and the `Host` through which it reaches its worker."""

from dataclasses import dataclass
from threading import Event
from typing import Any

from pgqueue.core.job_context import JobContext
from pgqueue.tasks.task import Task
from pgqueue.worker.active_attempt import ActiveAttempt
from pgqueue.worker.completion import Completion
from pgqueue.worker.output_buffer import OutputBuffer


@dataclass(frozen=True, slots=True)
class JobContexts:
    """Makes the context of each attempt of one worker.

    Attributes:
        stopping: Set when the worker has to stop.
    """

    output: OutputBuffer
    completion: Completion
    stopping: Event

    def context_of(
        self, attempt: ActiveAttempt, task: Task[..., Any], args: dict[str, object]
    ) -> JobContext:
        """The value of `current_job()` inside an attempt's task."""
        claimed = attempt.claimed
        return JobContext(
            id=claimed.id,
            attempt=claimed.attempt,
            task=claimed.task,
            args=args,
            host=AttemptHost(self, attempt),
            secrets=task.secrets_in(claimed.args, args),
        )


class AttemptHost:
    """The `Host` of one attempt; its task may call it on any thread."""

    __slots__ = ("_worker", "attempt")

    def __init__(self, worker: JobContexts, attempt: ActiveAttempt) -> None:
        self._worker = worker
        self.attempt = attempt

    def progress(self, fraction: float, message: str) -> None:
        """Write how far the attempt is soon; return at once."""
        self._worker.output.add_progress(self.attempt, fraction, message)

    def should_stop(self) -> bool:
        """Whether an error was raised into the task, or its worker has to stop."""
        return self.attempt.interruption is not None or self._worker.stopping.is_set()

    def complete(self, connection: object, result: object) -> None:
        """Settle the attempt as succeeded on the caller's connection."""
        self._worker.completion.complete(self.attempt, connection, result)

    async def acomplete(self, connection: object, result: object) -> None:
        """Settle the attempt: the asyncio twin of `complete`."""
        await self._worker.completion.acomplete(self.attempt, connection, result)
