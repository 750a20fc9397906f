"""A job that is about to be inserted: the values of one row.

`tasks` makes it from a checked call, `client` from a name and a mapping, and `store` reads it.
Every value is decided and checked: no default is applied later.
"""

from datetime import datetime
from typing import Final, NamedTuple

BATCH_SIZE: Final = 5_000
"""Jobs that one COPY inserts by default."""


class NewJob(NamedTuple):
    """One job that is about to be inserted.

    A tuple, because `enqueue_many` makes one for each of a hundred thousand calls. Most of them
    differ from the one before in their arguments only.

    Args:
        args: JSON text of one object, arguments by parameter name.
        run_after: Seconds from the insert, or an aware moment; None for at once.
        expires_after_seconds: The job is cancelled when it did not start by then; None for never.
        timeout_seconds: None for no timeout.
        keep_seconds: How long a success stays; 0 deletes it at once.
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
        # Without the arguments, as in the `repr` of a Job: they may hold secrets.
        fields = zip(self._fields, self, strict=True)
        shown = ", ".join(f"{name}={value!r}" for name, value in fields if name != "args")
        return f"NewJob({shown})"

    def with_args(self, args: str) -> "NewJob":
        """Return a job like this one with other arguments, which are checked already."""
        # `_replace` takes three times as long.
        return tuple.__new__(NewJob, (self[0], args, *self[2:]))

    def is_like(self, other: "NewJob") -> bool:
        """Return whether two jobs differ in nothing but their arguments."""
        return self[0] == other[0] and self[2:] == other[2:]
