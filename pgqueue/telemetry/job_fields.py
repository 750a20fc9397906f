"""Puts the running job into every log record that its code makes, on any logger.

So any format can show it: `%(job_id)s`, `%(attempt)s` and `%(task)s` in the application's own.
"""

import functools
import logging
from typing import Any

from pgqueue.core.job_context import find_current_job


@functools.cache
def install() -> None:
    """Add `job_id`, `attempt` and `task` to each record inside a job; a second call does nothing.

    Fields of the same names in the caller's `extra` win.
    """
    make_record = logging.Logger.makeRecord

    # Not by a record factory: `extra={"task": ...}` would raise KeyError for a field that exists.
    # Not by a filter: each handler of the application, and each later one, would need it.
    @functools.wraps(make_record)
    def make_record_of_job(self: logging.Logger, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make_record(self, *args, **kwargs)
        job = find_current_job()
        if job is not None:
            fields = vars(record)
            for name, value in (("job_id", job.id), ("attempt", job.attempt), ("task", job.task)):
                fields.setdefault(name, value)
        return record

    logging.Logger.makeRecord = make_record_of_job  # type: ignore[method-assign]
