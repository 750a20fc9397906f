"""Turns PostgreSQL's denial of a right into `AccessDenied`, with advice."""

from types import TracebackType
from typing import Final

import psycopg

from pgqueue.core.errors import AccessDenied

_ADVICE = (
    "Grant its role what it is to do: `pgqueue migrate --roles` makes one for each use, "
    "pgqueue_producer to enqueue, pgqueue_worker to run workers, pgqueue_viewer to read, and "
    "pgqueue_operator to read, cancel and retry."
)

# Of PostgreSQL. The message is translated, and other errors have the class too.
_RESTRICTING_FILE = "rewriteHandler.c"
_VIEWS_ADVICE = (
    "Its setting restrict_nonsystem_relation_kind forbids views, through which jobs are inserted: "
    "set it to '' for this session or role."
)


class AccessAdvice:
    """A `with` block in which PostgreSQL's denial of a right becomes `AccessDenied`, with advice.

    Every statement runs in such a block. A `contextmanager` would take five times as long as this
    class.

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
        if isinstance(error, psycopg.errors.ObjectNotInPrerequisiteState) and (
            error.diag.source_file == _RESTRICTING_FILE
        ):
            reason = error.diag.message_primary or str(error)
            raise AccessDenied(reason=reason, advice=_VIEWS_ADVICE) from error


ACCESS_ADVICE: Final = AccessAdvice()
"""For the statements of programs, whose login needs one of our roles."""
