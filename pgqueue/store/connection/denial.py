"""Says what to do when PostgreSQL denies a right, wherever a statement is asked."""

from types import TracebackType
from typing import Final

import psycopg

from pgqueue.core.errors import AccessDenied

_ADVICE = (
    "Grant its role what it is to do: `pgqueue migrate --roles` makes one for each use, "
    "pgqueue_producer to enqueue, pgqueue_worker to run workers, pgqueue_viewer to read, and "
    "pgqueue_operator to read, cancel and retry."
)


class Explained:
    """A `with` block in which PostgreSQL's denial of a right becomes ours, with advice.

    A class of its own, as every statement is asked in one: `contextmanager` takes five times as
    long.

    Raises:
        AccessDenied: The role of the connection lacks a right.
    """

    __slots__ = ("_advice",)

    def __init__(self, advice: str = _ADVICE) -> None:
        self._advice = advice

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            reason = error.diag.message_primary or str(error)
            raise AccessDenied(reason=reason, advice=self._advice) from error


EXPLAINED: Final = Explained()
"""For what people and programs ask, who need one of our roles."""
