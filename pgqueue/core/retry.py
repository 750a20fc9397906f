"""The retry policy of a task: how often, after how long, and after which exceptions.

The worker decides which exceptions allow a retry. The rest is stored in the job's row, and SQL
decides from the row alone. So a worker, a supervisor and a rescue retry a job alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from pgqueue.core.decisions import JobTimeout
from pgqueue.core.duration import YEAR_SECONDS, Duration, seconds
from pgqueue.core.errors import InvalidOption
from pgqueue.core.exception_leaves import leaves

Backoff = Literal["exponential", "linear", "fixed"]
"""How the wait grows with the failures."""

ATTEMPTS_MAX: Final = 10_000

ExceptionTypes = type[BaseException] | Iterable[type[BaseException]]


@dataclass(frozen=True)
class Retry:
    """How often a failed job is tried again, and after how long.

    The wait after the n-th failure is `base * 2**(n-1)` (exponential), `base * n` (linear) or
    `base` (fixed), at most `max_delay`; with jitter a random part between half of it and all.

    Args:
        max_attempts: Attempts that count in total, 1 to 10,000; the first one is among them.
        base: Seconds or a timedelta, at most 366 days.
        max_delay: Seconds or a timedelta, at most 366 days.
        on: Exceptions after which to try again. A timeout always counts, and an exception group
            counts if each exception in it does.
        not_on: Exceptions among them after which not to try again.

    Raises:
        InvalidOption: One of the values is out of bounds.
    """

    max_attempts: int
    backoff: Backoff = "exponential"
    base: Duration = 2.0
    max_delay: Duration = 3600.0
    jitter: bool = True
    on: ExceptionTypes = (Exception,)
    not_on: ExceptionTypes = ()

    def __post_init__(self) -> None:
        if type(self.max_attempts) is not int or not 1 <= self.max_attempts <= ATTEMPTS_MAX:
            raise InvalidOption(
                "max_attempts",
                self.max_attempts,
                f"it takes 1 to {ATTEMPTS_MAX:,}, the first attempt included.",
            )
        if self.backoff not in get_args(Backoff):
            raise InvalidOption(
                "backoff", self.backoff, f"it takes one of {', '.join(get_args(Backoff))}."
            )
        if not isinstance(self.jitter, bool):
            raise InvalidOption("jitter", self.jitter, "it takes True or False.")
        self._normalise("base", seconds("base", self.base, maximum=YEAR_SECONDS))
        self._normalise("max_delay", seconds("max_delay", self.max_delay, maximum=YEAR_SECONDS))
        self._normalise("on", _exception_types("on", self.on))
        self._normalise("not_on", _exception_types("not_on", self.not_on))

    def is_retryable(self, error: BaseException) -> bool:
        """Return whether a job may be tried again after this exception."""
        kind = type(error)
        if issubclass(kind, JobTimeout):
            # A supervisor ends an overdue job from its row alone, where no `on` is stored. A
            # timeout that the worker raises must not differ from that.
            return True
        # A group is retried if each exception in it is, or if the policy names groups.
        on: tuple[type[BaseException], ...] = self.on  # type: ignore[assignment]
        kinds = {type(leaf) for leaf in leaves(error)}
        groups = tuple(one for one in on if issubclass(one, BaseExceptionGroup))
        is_on = issubclass(kind, groups) or all(issubclass(k, (*on, JobTimeout)) for k in kinds)
        return is_on and not any(issubclass(k, self.not_on) for k in {kind, *kinds})  # type: ignore[arg-type]

    def columns(self) -> dict[str, object]:
        """Return the part of the policy that is stored in the job's row."""
        return {
            "max_attempts": self.max_attempts,
            "backoff": self.backoff,
            "backoff_base_seconds": self.base,
            "backoff_max_seconds": self.max_delay,
            "backoff_jitter": self.jitter,
        }

    def _normalise(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _exception_types(option: str, value: object) -> tuple[type[BaseException], ...]:
    types = (value,) if isinstance(value, type) else value
    if isinstance(types, Iterable):
        types = tuple(types)
        if all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in types):
            return types
    raise InvalidOption(option, value, "it takes exception classes.")


NO_RETRY: Final = Retry(max_attempts=1)
"""The default: the first failure is the last."""
