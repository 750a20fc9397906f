"""From a claimed row to the task that runs it, and which tasks this worker cannot run."""

from collections.abc import Iterable
from typing import Any

from pgqueue.core.bounded_names import BoundedNames
from pgqueue.core.errors import PgqueueError, UnknownTask
from pgqueue.core.events.event import emit
from pgqueue.core.events.jobs import TaskUnknown
from pgqueue.tasks import loading
from pgqueue.tasks.task import Task
from pgqueue.worker.active_attempt import ActiveAttempt
from pgqueue.worker.outcomes import NotStarted
from pgqueue.worker.supervisor_link import Reports


class TaskLookup:
    """Finds tasks for one worker; safe on any thread.

    Args:
        kind: The worker's kind, which must be the executor of a task that it runs.

    Attributes:
        unknown: Names of tasks that this worker cannot run; the fetcher does not claim them.
            Any thread adds.
    """

    def __init__(self, kind: str, worker_id: int, reports: Reports) -> None:
        self.unknown = BoundedNames()
        self._kind = kind
        self._worker_id = worker_id
        self._reports = reports

    def task_of(self, attempt: ActiveAttempt) -> Task[..., Any]:
        """The task of an attempt; imports its module if need be.

        Raises:
            NotStarted: This worker does not know the task, or is of the wrong kind for it.
        """
        name = attempt.claimed.task
        task = self._find(name)
        if task is None:
            raise NotStarted(f"Worker {self._worker_id} knows no task named {name!r}.")
        executor = str(task.options.executor)
        if executor != self._kind:
            self._reports.executor(executor)
            reason = f"The task runs in {executor} workers; this one is {self._kind}."
            raise NotStarted(reason, executor=executor)
        return task

    def imported_task_of(self, attempt: ActiveAttempt) -> Task[..., Any] | None:
        """The task of an attempt; None if its module has to be imported first.

        A module is the application's code, so the runner imports it: there the supervisor sees
        the job, and its timeout counts.

        Raises:
            NotStarted: As `task_of` does.
        """
        return None if loading.may_import(attempt.claimed.task) else self.task_of(attempt)

    def check(self, names: Iterable[str]) -> None:
        """Check tasks that another worker does not know, without importing a module.

        The other worker may run other code, so that its answer is not this worker's.
        """
        for name in names:
            if not loading.may_import(name):
                self._find(name)

    def _find(self, name: str) -> Task[..., Any] | None:
        try:
            return loading.resolve(name)
        except UnknownTask:
            reason = "no such task"
        except PgqueueError as error:
            reason = str(error)
        if self.unknown.add(name):
            self._reports.unknown_task(name)
            emit(TaskUnknown(task=name, reason=reason))
        return None
