"""The runs: a task that uses one value, in each kind of worker."""

from dataclasses import dataclass

from matrix import tasks
from matrix.value import Value
from matrix.values import VALUES
from pgqueue.tasks.task import Task

TARGETS = {
    "as_result": "as a result",
    "as_error": "as an error",
    "as_log": "in a log line",
    "as_progress": "beside progress",
}

EXECUTORS: dict[str, tuple[Task[..., object], Task[..., object]]] = {
    "in a greenlet": (tasks.in_a_greenlet, tasks.healthy_greenlet),
    "in a coroutine": (tasks.in_a_coroutine, tasks.healthy_coroutine),
    "in a process": (tasks.in_a_process, tasks.healthy_process),
}


@dataclass(frozen=True)
class Run:
    """One value, one use of it, and one kind of worker."""

    value: Value
    target: str
    executor: str

    def __str__(self) -> str:
        return f"{self.value.name} {TARGETS[self.target]} {self.executor}"


RUNS = [
    Run(value, target, executor) for value in VALUES for target in TARGETS for executor in EXECUTORS
]
