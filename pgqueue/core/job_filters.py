"""What a person may ask jobs for, as `Client.jobs`, `count`, `cancel` and `retry` take it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict


class JobFilters(TypedDict, total=False):
    """Which jobs are meant: those that fit every filter given; None is as good as not given.

    Args:
        status: One status, or any of several.
        task: A canonical path or an alias as it was enqueued; `*` stands for any characters.
        queue: A queue; with a trailing `/`, all its sub-queues.
        worker: Id of the worker that holds the job or last held it.
        args: Arguments that the job has, among others: `{"user_id": 7}`.
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
