"""The columns that SQL files and Python read or write together, each list declared once.

An SQL file repeats its list, because its text is fixed; tests/contracts/test_columns.py compares
the two and names the column that is missing. Rows are decoded by these names.

A new option of a task is declared in `core/new_job.py` (and `core/options/declaration.py`). It is a
column of `jobs` in `schema/sql/*/tables.sql` and `store/tables.py`, and it stands in these lists:

- `INSERTED`: `enqueue.sql`, `copy_jobs.sql` with `bulk_insert.py`, and in `schema/sql` the function
  `enqueue_named`, the view `new_jobs` and the grant in `roles/enqueue.sql`;
- `JOB`, if people may read it: `read_job.sql`, `enqueue_by_name.sql` and `reports/jobs.py`.

docs/reference/schema.md describes the column.
"""

from dataclasses import fields
from typing import Final

from pgqueue.core.job import Attempt, Job, LogLine


def field_names(kind: type) -> tuple[str, ...]:
    """The names of a dataclass's public fields, which are columns of its rows, in their order."""
    return tuple(field.name for field in fields(kind) if not field.name.startswith("_"))


JOB: Final = field_names(Job)
"""A job as people read it."""

ATTEMPT: Final = field_names(Attempt)
"""A settled attempt as people read it."""

LOG_LINE: Final = field_names(LogLine)
"""A log line as people read it."""

INSERTED: Final = (
    *("queue", "task", "args", "status", "priority", "run_at", "executor", "delivery"),
    *("max_attempts", "backoff", "backoff_base_seconds", "backoff_max_seconds", "backoff_jitter"),
    *("timeout_seconds", "keep_seconds", "expires_at", "tags"),
)
"""A new job as producers insert it; COPY sends its fields in this order."""

RETURNED: Final = ("id", "position", "created_at")
"""The columns of a new job that the database decides alone."""
