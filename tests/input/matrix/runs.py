"""What a running task does with a value, in each kind of worker."""

from dataclasses import dataclass

from matrix import tasks
from matrix.value import Value
from matrix.values import VALUES
from pgqueue.tasks.task import Task

PLACES = {
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
    """One value in one place in one kind of worker."""

    value: Value
    place: str
    executor: str

    def __str__(self) -> str:
        return f"{self.value.name} {PLACES[self.place]} {self.executor}"


RUNS = [
    Run(value, place, executor) for value in VALUES for place in PLACES for executor in EXECUTORS
]
