"""The parts of a new job that can take a value."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matrix.texts import TEXTS
from matrix.value import Value

TASK = "matrix.tasks.keep"


@dataclass(frozen=True)
class Target:
    """One part of a new job.

    Args:
        name: The end of a sentence.
        fit: The kind of value that the API accepts for this part.
        words: A pattern that every error about this part matches.
        request: A function that returns a job with the value, in the arguments of the API.
        read: A function that returns the value of this part in a stored job.
    """

    name: str
    fit: str
    words: str
    request: Callable[[Any], dict[str, Any]]
    read: Callable[[Any], Any]

    def takes(self, value: Value) -> bool:
        """Whether Python can build a job with the value."""
        try:
            self.request(value.make())
        except Exception:
            return False
        return True

    def as_sql(self, value: Value) -> dict[str, Any] | None:
        """The job as columns, with arguments as JSON text; None when SQL cannot express it."""
        if self.fit == "argument":
            text = value.as_json()
            return None if text is None else {"task": TASK, "args": f'{{"value": {text}}}'}
        if value not in TEXTS:
            return None
        request = self.request(value.make())
        return {**request, "args": json.dumps(request.get("args", {"value": None}))}


ARGUMENT = Target(
    "among the arguments",
    "argument",
    r"args\.value|The arguments of \S+ take .* bytes",
    lambda value: {"task": TASK, "args": {"value": value}},
    lambda job: job.args["value"],
)
KEY = Target(
    "as a key among the arguments",
    "key",
    r"args\.value|The arguments of \S+ take .* bytes",
    lambda value: {"task": TASK, "args": {"value": {value: 1}}},
    lambda job: next(iter(job.args["value"])),
)
QUEUE = Target(
    "as the name of a queue",
    "queue",
    "^queue=",
    lambda value: {"task": TASK, "queue": value},
    lambda job: job.queue,
)
NAME = Target(
    "as the name of a task",
    "task",
    "^(name|task)=",
    lambda value: {"task": value},
    lambda job: job.task,
)
UNIQUE_KEY = Target(
    "as a unique key",
    "not yet",
    "^unique_key=",
    lambda value: {"task": TASK, "unique_key": value},
    lambda job: job.unique_key,
)
TAG = Target(
    "as a tag",
    "tag",
    "^tags=",
    lambda value: {"task": TASK, "tags": [value]},
    lambda job: job.tags[0],
)

TARGETS = [ARGUMENT, KEY, QUEUE, NAME, UNIQUE_KEY, TAG]
