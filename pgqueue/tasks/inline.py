"""A task here and now: in this process, without a job and without a database.

`pgqueue run` calls it. The function runs with the job context that a worker would give it.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pgqueue.core.job_context import JobContext, enter, leave, redact
from pgqueue.core.middleware import awrapped, wrapped
from pgqueue.core.values.result import encode_result

if TYPE_CHECKING:
    from pgqueue.core.settings import Settings
    from pgqueue.tasks.task import Task

Progress = Callable[[float, str], object]
"""Takes a fraction and a message."""


@dataclass(frozen=True, slots=True)
class InlineRun:
    """How a run ended.

    Attributes:
        result: JSON text of what the task returned; None when it failed.
        traceback: Text of the failure, without secrets; None when it succeeded.
    """

    result: str | None
    traceback: str | None = None


def run_inline(
    task: "Task[..., Any]",
    args: Mapping[str, object],
    settings: "Settings",
    *,
    on_progress: Progress = lambda fraction, message: None,
) -> InlineRun:
    """Run a task in this process, inside its middleware, and return how that ended.

    A result that a worker could not store is a failure.

    Args:
        args: Arguments by name, checked by the task's signature.
        on_progress: Called when the task reports its progress.

    Raises:
        InvalidArguments: They do not fit the signature or the type hints.
        UnstorableValue: One of them would not read back equal.
        PayloadTooLarge: They exceed `args_bytes_max`.
    """
    stored = task.payload.encode_mapping(args, args_bytes_max=settings.args_bytes_max)
    decoded = task.payload.decode(stored)
    positional, named = task.payload.bind_call(decoded)
    host = _InlineHost(on_progress)
    secrets = task.secrets_in(stored, decoded)
    job = JobContext(id=0, attempt=1, task=task.name, args=decoded, host=host, secrets=secrets)
    token = enter(job)
    try:
        call = partial(task.function, *positional, **named)
        result: Any = (
            asyncio.run(_await(awrapped(job, call))) if task.is_async else wrapped(job, call)()
        )
        completed = host.completed[-1] if host.completed else result
        return InlineRun(encode_result(completed, result_bytes_max=settings.result_bytes_max))
    except KeyboardInterrupt:
        raise  # a person ends the run
    except BaseException:
        # In a worker it would end the attempt, and not the process.
        return InlineRun(None, redact(traceback.format_exc()))
    finally:
        leave(token)


async def _await(call: Callable[[], Awaitable[Any]]) -> Any:
    return await call()


class _InlineHost:
    """This process, as the host of the one job in it."""

    def __init__(self, on_progress: Progress) -> None:
        self.completed: list[object] = []
        self._on_progress = on_progress

    def progress(self, fraction: float, message: str) -> None:
        self._on_progress(fraction, message)

    def should_stop(self) -> bool:
        return False

    def complete(self, connection: object, result: object) -> None:
        # There is no job to settle: the task commits its own writes on its connection.
        self.completed.append(result)

    async def acomplete(self, connection: object, result: object) -> None:
        self.completed.append(result)
