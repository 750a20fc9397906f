"""Arguments as they may be shown: what a task's option `redact` names is left out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pgqueue.client.client import Client
    from pgqueue.core.job import Job

_HIDDEN: Final = "[redacted]"


class Redaction:
    """Hides by what workers recorded of each task, which is read once."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._paths: dict[str, list[list[str]]] = {}

    def __call__(self, job: "Job") -> "Job":
        """The job, its secret arguments hidden."""
        return replace(job, args=hide(job.args, self._paths_of(job.task)))

    def _paths_of(self, task: str) -> list[list[str]]:
        if task not in self._paths:
            found = self._client.task(task)
            redact = found.options.get("redact") if found else None
            self._paths[task] = [path.split(".") for path in redact or ()]
        return self._paths[task]


def hide(value: Any, paths: Sequence[Sequence[str]]) -> Any:
    """*value* with what lies at the paths hidden; a list is looked through, item by item."""
    if any(not path for path in paths):
        return _HIDDEN
    if isinstance(value, dict):
        return {
            name: hide(each, [path[1:] for path in paths if path[0] == name])
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [
            hide(each, [*paths, *(path[1:] for path in paths if path[0] == str(index))])
            for index, each in enumerate(value)
        ]
    return value
