"""Arguments of jobs without the secrets that the task's option `redact` names."""

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
    """Hides the secret arguments of jobs, before a door shows them.

    A task that is loaded in this process names its secrets itself. Otherwise its record in the
    database does, which is read once. No argument is shown to a role that may not read the record.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._paths_by_task: dict[str, list[list[str]]] = {}

    def __call__(self, job: "Job") -> "Job":
        """The job, its secret arguments hidden."""
        paths = self._paths_of(job.task)
        if paths and isinstance(job.args, Undecodable):
            return replace(job, args=HIDDEN)
        return replace(job, args=hide(job.args, paths))

    def _paths_of(self, task: str) -> list[list[str]]:
        if task not in self._paths_by_task:
            self._paths_by_task[task] = self._read_paths(task)
        return self._paths_by_task[task]

    def _read_paths(self, task: str) -> list[list[str]]:
        if loaded := REGISTRY.find(task):
            return _split(loaded.options.redact)
        try:
            record = self._client.task(task)
        except AccessDenied:
            return [[]]  # the empty path is the whole of the arguments
        return _split(record.options.get("redact") or ()) if record else []


def _split(redact: Iterable[str]) -> list[list[str]]:
    return [path.split(".") for path in redact]
