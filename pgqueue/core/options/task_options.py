"""The options of a task: how each of its jobs is run, unless a call changes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from pgqueue.core.duration import Duration
from pgqueue.core.options import declaration
from pgqueue.core.options.checks import Delivery, Executor, check_delivery
from pgqueue.core.options.declaration import TASK_OPTIONS
from pgqueue.core.retry import Retry


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """The checked options of a task; `declaration` documents each.

    Raises:
        InvalidOption: One of the values is out of bounds.
    """

    name: str | None = declaration.NAME.default
    aliases: Iterable[str] = declaration.ALIASES.default
    queue: str = declaration.QUEUE.default
    priority: int = declaration.PRIORITY.default
    timeout: Duration | None = declaration.TIMEOUT.default
    retry: Retry = declaration.RETRY.default
    delivery: Delivery = declaration.DELIVERY.default
    executor: Executor | None = declaration.EXECUTOR.default
    keep: Duration = declaration.KEEP.default
    tags: Iterable[str] = declaration.TAGS.default
    redact: Iterable[str] = declaration.REDACT.default

    def __post_init__(self) -> None:
        for name, option in TASK_OPTIONS.items():
            object.__setattr__(self, name, option.check(getattr(self, name)))
        check_delivery(self.delivery, self.retry)

    def columns(self) -> dict[str, object]:
        """Return the columns of a job's row that these options decide."""
        columns: dict[str, object] = {}
        for name, option in TASK_OPTIONS.items():
            columns |= option.column_values(getattr(self, name))
        return columns


class TaskKeywords(TypedDict, total=False):
    """The fields of TaskOptions, as `@task` takes them."""

    name: str | None
    aliases: Iterable[str]
    queue: str
    priority: int
    timeout: Duration | None
    retry: Retry
    delivery: Delivery
    executor: Executor | None
    keep: Duration
    tags: Iterable[str]
    redact: Iterable[str]
