"""The options of one call: what it changes of its task's options."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from pgqueue.core.duration import Duration
from pgqueue.core.options.declaration import CALL_OPTIONS
from pgqueue.core.options.unset import UNSET, Unset
from pgqueue.core.retry import Retry


@dataclass(frozen=True, kw_only=True)
class CallOptions:
    """The checked options of one call; UNSET leaves the task's option.

    `declaration` documents each.

    Raises:
        InvalidOption: One of the values is out of bounds.
    """

    connection: object = None
    queue: str | Unset = UNSET
    priority: int | Unset = UNSET
    run_after: Duration | datetime | Unset | None = UNSET
    timeout: Duration | Unset | None = UNSET
    retry: Retry | Unset = UNSET
    expires_after: Duration | Unset | None = UNSET
    tags: Iterable[str] | Unset = UNSET

    def __post_init__(self) -> None:
        for name, option in CALL_OPTIONS.items():
            value = getattr(self, name)
            if value is not UNSET:
                object.__setattr__(self, name, option.check(value))

    def columns(self) -> dict[str, object]:
        """Return the columns of a job's row that this call changes."""
        columns: dict[str, object] = {}
        for name, option in CALL_OPTIONS.items():
            value = getattr(self, name)
            if value is not UNSET:
                columns |= option.column_values(value)
        return columns


class CallKeywords(TypedDict, total=False):
    """The fields of CallOptions, as `.using()` takes them."""

    connection: object
    queue: str
    priority: int
    run_after: Duration | datetime | None
    timeout: Duration | None
    retry: Retry
    expires_after: Duration | None
    tags: Iterable[str]
