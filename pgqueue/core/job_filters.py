"""The filters of `Client.jobs`, `count`, `cancel` and `retry`."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict


class JobFilters(TypedDict, total=False):
    """Selects the jobs that fit every filter; a filter that is None selects all.

    Args:
        status: One status, or any of several.
        task: A canonical path or an alias, as it was enqueued; `*` stands for any characters.
        queue: A queue; with a trailing `/`, all its sub-queues.
        worker: Id of the worker that runs the job, or ran it last.
        args: Arguments that the job has, beside any others: `{"user_id": 7}`.
        tags: All of these tags.
        created_since: Aware moment.
        finished_since: Aware moment.
    """

    status: str | Iterable[str] | None
    task: str | None
    queue: str | None
    worker: int | None
    args: Mapping[str, Any] | None
    tags: str | Iterable[str] | None
    created_since: datetime | None
    finished_since: datetime | None
