"""`@task` and the tasks that it makes: functions that can also be enqueued.

A Task is called like its function. Its arguments and options are checked here before the client
sends anything.
"""

import functools
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar, Unpack, overload

from pgqueue.core.errors import InvalidTask
from pgqueue.core.new_job import BATCH_SIZE, NewJob
from pgqueue.core.options import (
    CALL_OPTIONS,
    NAME_CHARACTERS_MAX,
    TASK_OPTIONS,
    UNSET,
    CallKeywords,
    CallOptions,
    TaskKeywords,
    TaskOptions,
    check_delivery,
    check_names,
)
from pgqueue.core.values.arguments import Payload
from pgqueue.core.values.clean_text import clean_text
from pgqueue.core.values.redaction import secrets_of
from pgqueue.tasks.call import Call
from pgqueue.tasks.pickling import Reference, reference_to, task_of
from pgqueue.tasks.registry import REGISTRY

if TYPE_CHECKING:
    from pgqueue.core.job import Job

P = ParamSpec("P")
R = TypeVar("R")

_MAIN: Final = frozenset({"__main__", "__mp_main__"})
_DESCRIPTION_BYTES_MAX: Final = 65_536

# With the code, `inspect` takes a task for a function, and its flags tell a coroutine function.
# Otherwise web frameworks call the task without awaiting it, and nothing runs.
_ASSIGNED: Final = (
    *functools.WRAPPER_ASSIGNMENTS,
    "__code__",
    "__defaults__",
    "__kwdefaults__",
)

_NO_COLUMN: Final = frozenset({"connection"})
"""Options of a call that leave the row as the task declares it."""


class Task(Generic[P, R]):
    """A function that can be called, and enqueued to run later.

    Attributes:
        function: The function itself.
        path: `module.qualname` of the function; no other function has it.
        name: Its name in jobs: the option `name`, else its path.
        options: With every value decided, the executor too.
        payload: Encodes and decodes its arguments.
        columns: The columns of a job's row that its options decide.
        pattern: A job of the task without its arguments.
        is_async: Whether the function is a coroutine function.
    """

    __name__: str
    __qualname__: str

    def __init__(self, function: Callable[P, R], options: TaskOptions) -> None:
        # First: an attribute of the function must not replace one of the task's.
        functools.update_wrapper(self, function, assigned=_ASSIGNED)
        self.function = function
        self._module = sys.modules.get(function.__module__)
        self.path = _path(function)
        self.name = options.name or self.path
        self.is_async = inspect.iscoroutinefunction(function)
        self.payload = Payload(function, task=self.name, redact=options.redact)
        _check_function(self.path, function, self.payload.parameters, options)
        self.options = replace(options, executor=_executor(self.path, self.is_async, options))
        self.columns = self.options.columns()
        self.pattern = _pattern(self.name, self.columns)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here and now, as without `@task`: its arguments are not checked."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Task {self.name}>"

    def __reduce__(self) -> tuple[Callable[..., "Task[..., Any]"], Reference]:
        return task_of, reference_to(self)

    def __copy__(self) -> "Task[P, R]":
        return self

    def __deepcopy__(self, memo: object) -> "Task[P, R]":
        return self

    @property
    def is_whole(self) -> bool:
        """Whether the module that made it was imported to its end, and is still loaded.

        A module that raised half-way leaves its first tasks behind, whose globals may be missing.
        """
        module = sys.modules.get(self.function.__module__)
        # Python itself reads this attribute before it takes a module out of `sys.modules`.
        is_initializing = getattr(getattr(module, "__spec__", None), "_initializing", False)
        return self.is_there and not is_initializing

    @property
    def is_there(self) -> bool:
        """Whether the module that made it is loaded or being imported, and did not raise.

        A module may replace itself in `sys.modules` by an object that has its tasks.
        """
        module = sys.modules.get(self.function.__module__)
        return (
            module is self._module
            or getattr(module, "__dict__", {}).get(self.function.__name__) is self
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it answers to, its own first."""
        return (self.name, *self.options.aliases)

    def using(self, **options: Unpack[CallKeywords]) -> Call[P]:
        """Return the task with other options for the calls that follow.

        Args:
            connection: The connection whose transaction the job joins: psycopg's, SQLAlchemy's or
                Django's.
            queue: The queue that the job waits in; `default` by default.
            priority: -100 to 100, larger runs first; 0 by default.
            run_after: Seconds or a timedelta from now, or an aware datetime.
            timeout: Seconds or a timedelta from the true start; 3600 by default, None for no
                timeout.
            retry: A `Retry`: how often a failed job is tried again; never by default.
            expires_after: Seconds or a timedelta; a job that did not start by then is cancelled.
            tags: Words to find jobs by, at most 50.

        Raises:
            InvalidOption: One of the options does not exist or is out of bounds.
        """
        connection = options.get("connection")
        # Most calls pass nothing else, and need no check.
        if options.keys() <= _NO_COLUMN:
            return Call(self, connection, self.pattern)
        check_names(CALL_OPTIONS, options)
        checked = CallOptions(**options)
        if checked.retry is not UNSET:
            check_delivery(self.options.delivery, checked.retry)
        columns = {**self.columns, **checked.columns()}
        return Call(self, connection, _pattern(self.name, columns))

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> "Job":
        """Insert one job with these arguments, in a transaction of its own.

        Raises:
            InvalidArguments: They do not fit the signature or the type hints.
            UnstorableValue: One of them would not read back equal.
            PayloadTooLarge: They exceed `args_bytes_max`.
            NoDatabase: None was configured.
            DatabaseUnreachable: No server answers.
        """
        return Call(self, None, self.pattern).enqueue(*args, **kwargs)

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> "Job":
        """Insert one job without blocking the event loop: the asyncio twin of `enqueue`.

        When it is cancelled without a connection of the caller's, the job may exist or not.
        """
        return await Call(self, None, self.pattern).aenqueue(*args, **kwargs)

    def enqueue_many(
        self, calls: Iterable[Mapping[str, object]], *, batch_size: int = BATCH_SIZE
    ) -> int:
        """Insert many jobs with COPY and return how many; all of them appear at once.

        Args:
            calls: Arguments by name, one mapping a job. Consumed once; may be a generator.
            batch_size: Rows per COPY, 1 to 50,000.

        Raises:
            InvalidPayload: The arguments of one job were refused; nothing is inserted.
            NoDatabase: None was configured.
            DatabaseUnreachable: No server answers.
        """
        return Call(self, None, self.pattern).enqueue_many(calls, batch_size=batch_size)

    async def aenqueue_many(
        self, calls: Iterable[Mapping[str, object]], *, batch_size: int = BATCH_SIZE
    ) -> int:
        """Insert many jobs with COPY: the asyncio twin of `enqueue_many`."""
        return await Call(self, None, self.pattern).aenqueue_many(calls, batch_size=batch_size)

    def secrets_in(self, stored: str, decoded: Mapping[str, object]) -> tuple[str, ...]:
        """Return the texts that no message may show, because of the option `redact`.

        Args:
            stored: The arguments as JSON text, as they are in the row.
            decoded: The arguments as the task gets them: a datetime prints unlike its JSON.
        """
        if not self.options.redact:
            return ()
        paths = [path.split(".") for path in self.options.redact]
        return secrets_of([json.loads(stored), dict(decoded)], paths)

    def describe(self) -> dict[str, Any]:
        """Return the record of the task, which jobs that are enqueued by name use."""
        return {
            "name": self.name,
            "signature": clean_text(self.payload.signature, _DESCRIPTION_BYTES_MAX),
            "docstring": clean_text(inspect.getdoc(self.function) or "", _DESCRIPTION_BYTES_MAX),
            "options": {**self.columns, "redact": self.options.redact},
            "aliases": list(self.options.aliases),
        }

    def check_reachable(self) -> None:
        """Refuse a task that no worker can find by its name.

        Raises:
            InvalidTask: It is defined in a script, which cannot be imported by name.
        """
        if self.options.name is None and self.path.partition(".")[0] in _MAIN:
            raise InvalidTask(
                self.path,
                "a worker cannot import a script by name. Move it to a module, run that with "
                "`python -m`, or give it a name=.",
            )


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(**options: Unpack[TaskKeywords]) -> Callable[[Callable[P, R]], Task[P, R]]: ...


def task(function: Any = None, /, **options: Any) -> Any:
    """Make a function a task; used bare, or with options.

    The function stays callable as it was. Jobs name it by its canonical path, `module.qualname`,
    so a function that moves needs an alias while old jobs wait.

    Args:
        name: The name in jobs, in place of the canonical path.
        aliases: Other names that the task answers to, such as its path before a move.
        queue: The queue that the job waits in; `default` by default.
        priority: -100 to 100, larger runs first; 0 by default.
        timeout: Seconds or a timedelta from the true start; 3600 by default, None for no timeout.
        retry: A `Retry`: how often a failed job is tried again; never by default.
        delivery: `at_least_once` by default, or `at_most_once` for a job that must never start
            twice.
        executor: `greenlet`, `asyncio` (for `async def`) or `process` (for CPU-bound work).
        keep: Seconds or a timedelta that a success stays; one day by default, 0 deletes it at once.
        tags: Words to find jobs by, at most 50.
        redact: Paths of arguments that are never shown, such as `card.number`.

    Raises:
        InvalidTask: The function cannot be a task.
        InvalidOption: One of the options does not exist or is out of bounds.
    """
    check_names(TASK_OPTIONS, options)
    checked = TaskOptions(**options)

    def decorate(function: Any) -> Task[..., Any]:
        if not inspect.isfunction(function):
            raise InvalidTask(repr(function), "@task takes a function, and options by name.")
        task: Task[..., Any] = Task(function, checked)
        REGISTRY.register(task)
        return task

    return decorate if function is None else decorate(function)


def _path(function: Callable[..., object]) -> str:
    module = function.__module__
    if module in _MAIN:
        # After `python -m shop.tasks` only the specification has the module's name.
        spec = getattr(sys.modules.get("__main__"), "__spec__", None)
        if spec is not None:
            module = spec.name
    return f"{module}.{function.__qualname__}"


def _pattern(name: str, columns: dict[str, Any]) -> NewJob:
    return NewJob(task=name, **columns)


def _check_function(
    path: str,
    function: Callable[..., object],
    parameters: tuple[str, ...],
    options: TaskOptions,
) -> None:
    qualname = function.__qualname__
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidTask(path, "calling a generator function runs nothing. Return a value.")
    if options.name is None and ("<locals>" in qualname or "<lambda>" in qualname):
        raise InvalidTask(
            path, "a worker cannot import it by that path. Move it to the module, or give a name=."
        )
    if parameters[:1] in (("self",), ("cls",)) and "." in qualname.rpartition("<locals>.")[2]:
        raise InvalidTask(
            path, "a method has no object to run on. Take a function or @staticmethod."
        )
    if len(path) > NAME_CHARACTERS_MAX and options.name is None:
        raise InvalidTask(path, f"a name takes at most {NAME_CHARACTERS_MAX} characters.")


def _executor(path: str, is_async: bool, options: TaskOptions) -> Any:
    executor = options.executor or ("asyncio" if is_async else "greenlet")
    if is_async and executor != "asyncio":
        raise InvalidTask(path, f"a coroutine function does not run in executor={executor!r}.")
    if not is_async and executor == "asyncio":
        raise InvalidTask(path, "executor='asyncio' runs coroutine functions. Use `async def`.")
    return executor
