"""The bare INSERT of the row that `noop.enqueue(n)` inserts: no check, no notification."""

from pathlib import Path
from typing import Any

from benchmarks.tasks import noop
from pgqueue.core.new_job import NewJob
from pgqueue.store import enqueueing
from pgqueue.store.schema_name import Schema

TEXT = Path(__file__).with_name("bare_insert.sql").read_bytes()

OURS = Schema().render("enqueue").encode()
"""The statement that pgqueue sends, with the parameters of the bare INSERT."""


def params(n: int) -> dict[str, Any]:
    """The parameters of both statements."""
    return {**_PARAMS, "args": f'{{"n": {n}}}'}


_COLUMNS: dict[str, Any] = noop.columns
_PARAMS = enqueueing.enqueue(NewJob(task=noop.name, args="{}", **_COLUMNS)).params
