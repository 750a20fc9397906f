"""The tasks that workers loaded, and the tasks that no worker knows."""

import json
from collections.abc import Iterable
from typing import Any

from pgqueue.core.job import UnknownTaskRecord
from pgqueue.store.statement import Statement, count


def record_tasks(tasks: Iterable[dict[str, Any]]) -> Statement[int]:
    """Record tasks: name, signature, docstring, options (JSON object), aliases."""
    return Statement("record_tasks", {"tasks": json.dumps(list(tasks))}, count)


def unknown_tasks() -> Statement[list[UnknownTaskRecord]]:
    """The tasks that have queued jobs and that no live worker of their queue knows."""
    return Statement(
        "list_unknown_tasks", {}, lambda rows: [UnknownTaskRecord(*row) for row in rows]
    )
