"""Where a value can stand in a job that is being enqueued."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matrix.texts import TEXTS
from matrix.value import Value

TASK = "matrix.tasks.keep"


@dataclass(frozen=True)
class Place:
    """One part of a job.

    Args:
        name: As the end of a sentence.
        fit: What a value has to fit for the API to take it here.
        words: A pattern that every error that refuses it here has to match.
        request: A job with the value in its place, in the words of the API.
        read: What stands in that place in a job that was read.
    """

    name: str
    fit: str
    words: str
    request: Callable[[Any], dict[str, Any]]
    read: Callable[[Any], Any]

    def takes(self, value: Value) -> bool:
        """Whether Python itself can put the value there."""
        try:
            self.request(value.make())
        except Exception:
            return False
        return True

    def as_sql(self, value: Value) -> dict[str, Any] | None:
        """The job in the words of SQL, its arguments as JSON text; None where SQL has no word."""
        if self.fit == "argument":
            text = value.as_json()
            return None if text is None else {"task": TASK, "args": f'{{"value": {text}}}'}
        if value not in TEXTS:
            return None
        request = self.request(value.make())
        return {**request, "args": json.dumps(request.get("args", {"value": None}))}


ARGUMENT = Place(
    "among the arguments",
    "argument",
    r"args\.value|The arguments of \S+ take .* bytes",
    lambda value: {"task": TASK, "args": {"value": value}},
    lambda job: job.args["value"],
)
KEY = Place(
    "as a key among the arguments",
    "key",
    r"args\.value|The arguments of \S+ take .* bytes",
    lambda value: {"task": TASK, "args": {"value": {value: 1}}},
    lambda job: next(iter(job.args["value"])),
)
QUEUE = Place(
    "as the name of a queue",
    "queue",
    "^queue=",
    lambda value: {"task": TASK, "queue": value},
    lambda job: job.queue,
)
NAME = Place(
    "as the name of a task",
    "task",
    "^(name|task)=",
    lambda value: {"task": value},
    lambda job: job.task,
)
UNIQUE_KEY = Place(
    "as a unique key",
    "not yet",
    "^unique_key=",
    lambda value: {"task": TASK, "unique_key": value},
    lambda job: job.unique_key,
)
TAG = Place(
    "as a tag",
    "tag",
    "^tags=",
    lambda value: {"task": TASK, "tags": [value]},
    lambda job: job.tags[0],
)

PLACES = [ARGUMENT, KEY, QUEUE, NAME, UNIQUE_KEY, TAG]
