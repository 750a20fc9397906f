"""A job that is to be inserted: one row's worth of decided values.

Made by `tasks` from a checked call and by `client` from a name and a mapping; read by `store`.
Never holds an undecided value: every option has its default applied and is valid already.
"""

from datetime import datetime
from typing import Final, NamedTuple

BATCH_SIZE: Final = 5_000
"""Jobs that one COPY inserts, unless told otherwise."""


class NewJob(NamedTuple):
    """One job about to be inserted.

    A tuple, because one is made for each of a hundred thousand calls, and most of them differ
    from the one before in their arguments only.

    Args:
        args: JSON text of one object, arguments by parameter name.
        run_after: Seconds from the insert, or an aware moment; None for at once.
        expires_after_seconds: Cancelled when not started by then; None for never.
        timeout_seconds: None for no timeout.
        keep_seconds: How long a success stays; 0 deletes it when it succeeds.
    """

    task: str
    args: str = "{}"
    queue: str = "default"
    priority: int = 0
    executor: str = "greenlet"
    delivery: str = "at_least_once"
    run_after: float | datetime | None = None
    expires_after_seconds: float | None = None
    max_attempts: int = 1
    backoff: str = "exponential"
    backoff_base_seconds: float = 2.0
    backoff_max_seconds: float = 3600.0
    backoff_jitter: bool = True
    timeout_seconds: float | None = 3600.0
    keep_seconds: float = 86400.0
    tags: tuple[str, ...] = ()

    def __repr__(self) -> str:
        # Without the arguments, like that of a Job: nobody knows what is secret in them.
        told = zip(self._fields, self, strict=True)
        return f"NewJob({', '.join(f'{name}={value!r}' for name, value in told if name != 'args')})"

    def with_args(self, args: str) -> "NewJob":
        """Return a job like this one with other arguments, which were checked as well."""
        # `_replace` takes three times as long.
        return tuple.__new__(NewJob, (self[0], args, *self[2:]))

    def is_like(self, other: "NewJob") -> bool:
        """Tell whether two jobs differ in nothing but their arguments."""
        return self[0] == other[0] and self[2:] == other[2:]
