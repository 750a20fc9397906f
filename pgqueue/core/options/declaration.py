"""The declaration of every option: its name, check, default, columns and documentation.

A new option is declared here. Type checkers need its name written out once more, in TaskOptions
and TaskKeywords, in CallOptions and CallKeywords, and as a field of NewJob; SQL and the
documentation name it as well. `tests/contracts/test_options.py` says which of these lacks it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pgqueue.core.duration import Duration
from pgqueue.core.errors import InvalidOption
from pgqueue.core.options import checks
from pgqueue.core.options.checks import Delivery, Executor
from pgqueue.core.retry import NO_RETRY, Retry
from pgqueue.core.similar_name import similar_name

T = TypeVar("T")


@dataclass(frozen=True)
class JobOption(Generic[T]):
    """One option of `@task`, of `.using()`, or of both.

    Attributes:
        default: A task's value when `@task` does not pass one.
        check: Returns the value in its stored form, or raises InvalidOption.
        columns: The fields of NewJob that the option decides.
        split: Gives the values of several columns; None where each column has the option's value.
        of_task: Whether `@task` takes it.
        of_call: Whether `.using()` takes it.
        text: What it does, for docstrings.
    """

    name: str
    text: str
    default: T
    check: Callable[[object], object]
    columns: tuple[str, ...] = ()
    split: Callable[[Any], Mapping[str, object]] | None = None
    of_task: bool = True
    of_call: bool = True

    def column_values(self, value: object) -> Mapping[str, object]:
        """Return the values of the columns that a checked value decides."""
        return dict.fromkeys(self.columns, value) if self.split is None else self.split(value)


NAME: Final = JobOption[str | None](
    "name",
    "The name in jobs, in place of the canonical path.",
    None,
    checks.check_name,
    of_call=False,
)
ALIASES: Final = JobOption[tuple[str, ...]](
    "aliases",
    "Other names that the task answers to, such as its path before a move.",
    (),
    checks.check_aliases,
    of_call=False,
)
CONNECTION: Final = JobOption[object](
    "connection",
    "The connection whose transaction the job joins: psycopg's, SQLAlchemy's or Django's.",
    None,
    lambda value: value,
    of_task=False,
)
QUEUE: Final = JobOption[str](
    "queue",
    "The queue that the job waits in; `default` by default.",
    "default",
    checks.check_queue,
    ("queue",),
)
PRIORITY: Final = JobOption[int](
    "priority",
    "-100 to 100, larger runs first; 0 by default.",
    0,
    checks.check_priority,
    ("priority",),
)
RUN_AFTER: Final = JobOption[None](
    "run_after",
    "Seconds or a timedelta from now, or an aware datetime.",
    None,
    checks.check_run_after,
    ("run_after",),
    of_task=False,
)
TIMEOUT: Final = JobOption[Duration | None](
    "timeout",
    "Seconds or a timedelta from the true start; 3600 by default, None for no timeout.",
    3600.0,
    checks.check_timeout,
    ("timeout_seconds",),
)
RETRY: Final = JobOption[Retry](
    "retry",
    "A `Retry`: how often a failed job is tried again; never by default.",
    NO_RETRY,
    checks.check_retry,
    (
        "max_attempts",
        "backoff",
        "backoff_base_seconds",
        "backoff_max_seconds",
        "backoff_jitter",
    ),
    Retry.columns,
)
DELIVERY: Final = JobOption[Delivery](
    "delivery",
    "`at_least_once` by default, or `at_most_once` for a job that must never start twice.",
    "at_least_once",
    checks.check_delivery_value,
    ("delivery",),
    of_call=False,
)
EXECUTOR: Final = JobOption[Executor | None](
    "executor",
    "`greenlet`, `asyncio` (for `async def`) or `process` (for CPU-bound work).",
    None,
    checks.check_executor,
    ("executor",),
    lambda value: {"executor": value or "greenlet"},
    of_call=False,
)
EXPIRES_AFTER: Final = JobOption[None](
    "expires_after",
    "Seconds or a timedelta; a job that did not start by then is cancelled.",
    None,
    checks.check_expires_after,
    ("expires_after_seconds",),
    of_task=False,
)
KEEP: Final = JobOption[Duration](
    "keep",
    "Seconds or a timedelta that a success stays; one day by default, 0 deletes it at once.",
    86_400.0,
    checks.check_keep,
    ("keep_seconds",),
    of_call=False,
)
TAGS: Final = JobOption[tuple[str, ...]](
    "tags",
    "Words to find jobs by, at most 50.",
    (),
    checks.check_tags,
    ("tags",),
)
REDACT: Final = JobOption[tuple[str, ...]](
    "redact",
    "Paths of arguments that are never shown, such as `card.number`.",
    (),
    checks.check_redact,
    of_call=False,
)

OPTIONS: Final[tuple[JobOption[Any], ...]] = (
    NAME,
    ALIASES,
    CONNECTION,
    QUEUE,
    PRIORITY,
    RUN_AFTER,
    TIMEOUT,
    RETRY,
    DELIVERY,
    EXECUTOR,
    EXPIRES_AFTER,
    KEEP,
    TAGS,
    REDACT,
)
"""Every option, in the order in which the documentation lists them."""

TASK_OPTIONS: Final = {option.name: option for option in OPTIONS if option.of_task}
"""The options of `@task` by name."""

CALL_OPTIONS: Final = {option.name: option for option in OPTIONS if option.of_call}
"""The options of `.using()` by name."""

LATER: Final = frozenset(
    {
        "concurrency_key",
        "depends_on",
        "max_concurrency",
        "ordering_key",
        "rate_limit",
        "unique_key",
        "unique_until",
    }
)
"""Options of a later release."""


def check_names(declared: Mapping[str, object], passed: Mapping[str, object]) -> None:
    """Refuse options that do not exist, or not yet.

    Args:
        declared: TASK_OPTIONS or CALL_OPTIONS.

    Raises:
        InvalidOption: For the first of them, with the name that is most like it.
    """
    for option, value in passed.items():
        if option in declared:
            continue
        if option in LATER:
            raise InvalidOption(option, value, "this release does not have that option yet.")
        similar = similar_name(option, declared)
        advice = f"Did you mean {similar!r}?" if similar else f"There are {', '.join(declared)}."
        raise InvalidOption(option, value, f"there is no such option. {advice}")
