"""The tasks that workers of a supervisor met and do not know."""

from collections.abc import Iterable, Sequence

from pgqueue.core.bounded_names import BoundedNames
from pgqueue.process.child import Child
from pgqueue.process.worker_registry import WorkerRegistry
from pgqueue.store import workers


class UnknownTasks:
    """Writes such tasks to the worker's row, and shares them; on the supervisor's main thread.

    The other workers check whether they know a task before they claim jobs that they would have to
    return to the queue.
    """

    def __init__(self, registry: WorkerRegistry) -> None:
        self._registry = registry
        self._names = BoundedNames()

    def add(self, child: Child, tasks: Sequence[str], children: Iterable[Child]) -> None:
        """Record tasks that a child does not know, and send the new ones to all *children*."""
        child.report.unknown_tasks.add_all(tasks)
        self._registry.submit(workers.add_unknown_tasks(child.worker_id, tasks), lambda _: None)
        if new_names := self._names.add_all(tasks):
            for other in children:
                if other is not child:
                    other.channel.try_send("unknown", tasks=sorted(new_names))

    def send_to(self, child: Child) -> None:
        """Send all tasks that are unknown so far, if there are any."""
        if len(self._names):
            child.channel.try_send("unknown", tasks=sorted(self._names))
