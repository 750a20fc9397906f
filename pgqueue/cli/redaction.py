"""Arguments as they may be shown: what a task's option `redact` names is left out."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from pgqueue.core.errors import AccessDenied
from pgqueue.core.job import Undecodable
from pgqueue.core.values.redaction import HIDDEN, hide
from pgqueue.tasks.registry import REGISTRY

if TYPE_CHECKING:
    from pgqueue.client.client import Client
    from pgqueue.core.job import Job


class Redaction:
    """Hides by what workers recorded of each task, which is read once, or by the task at hand.

    Who may not read what is secret is shown no argument at all.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._paths: dict[str, list[list[str]]] = {}

    def __call__(self, job: "Job") -> "Job":
        """The job, its secret arguments hidden."""
        paths = self._paths_of(job.task)
        if paths and isinstance(job.args, Undecodable):
            return replace(job, args=HIDDEN)
        return replace(job, args=hide(job.args, paths))

    def _paths_of(self, task: str) -> list[list[str]]:
        if task not in self._paths:
            self._paths[task] = self._read(task)
        return self._paths[task]

    def _read(self, task: str) -> list[list[str]]:
        if at_hand := REGISTRY.find(task):
            return _split(at_hand.options.redact)
        try:
            found = self._client.task(task)
        except AccessDenied:
            return [[]]
        return _split(found.options.get("redact") or ()) if found else []


def _split(redact: Iterable[str]) -> list[list[str]]:
    return [path.split(".") for path in redact]
