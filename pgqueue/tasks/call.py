"""A task with the options of one call: it checks the arguments, and the client inserts the jobs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec

from pgqueue.core.errors import InvalidArguments, InvalidPayload
from pgqueue.core.new_job import BATCH_SIZE, NewJob
from pgqueue.tasks.default import client_for

if TYPE_CHECKING:
    from pgqueue.client.client import Client
    from pgqueue.core.job import Job
    from pgqueue.tasks.task import Task

P = ParamSpec("P")


class Call(Generic[P]):
    """A task with the options of one call, which can be enqueued any number of times."""

    __slots__ = ("_connection", "_pattern", "_task")

    def __init__(self, task: "Task[P, Any]", connection: object, pattern: NewJob) -> None:
        self._task = task
        self._connection = connection
        self._pattern = pattern

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> "Job":
        """Insert one job, in the connection's transaction or in one of its own.

        Raises:
            InvalidArguments: They do not fit the signature or the type hints.
            UnstorableValue: One of them would not read back equal.
            PayloadTooLarge: They exceed `args_bytes_max`.
            UnsupportedConnection: The connection cannot carry jobs.
            NoDatabase: None was configured, and there is no connection.
            DatabaseUnreachable: No server answers; only without a connection.
        """
        client = client_for(self._connection)
        return client.insert(self._new_job(client, args, kwargs), connection=self._connection)

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> "Job":
        """Insert one job without blocking the event loop: the asyncio twin of `enqueue`.

        When it is cancelled without a connection of the caller's, the job may exist or not.
        """
        client = client_for(self._connection)
        new = self._new_job(client, args, kwargs)
        return await client.ainsert(new, connection=self._connection)

    def enqueue_many(
        self, calls: Iterable[Mapping[str, object]], *, batch_size: int = BATCH_SIZE
    ) -> int:
        """Insert many jobs with COPY and return how many; all of them appear at once.

        Args:
            calls: Arguments by name, one mapping a job. Consumed once; may be a generator.
            batch_size: Rows per COPY, 1 to 50,000.

        Raises:
            InvalidPayload: The arguments of one job were refused; nothing is inserted.
            UnsupportedConnection: The connection cannot carry jobs.
            NoDatabase: None was configured, and there is no connection.
            DatabaseUnreachable: No server answers; only without a connection.
        """
        client = client_for(self._connection)
        return client.insert_many(
            self._new_jobs(client, calls), connection=self._connection, batch_size=batch_size
        )

    async def aenqueue_many(
        self, calls: Iterable[Mapping[str, object]], *, batch_size: int = BATCH_SIZE
    ) -> int:
        """Insert many jobs with COPY: the asyncio twin of `enqueue_many`."""
        client = client_for(self._connection)
        return await client.ainsert_many(
            self._new_jobs(client, calls), connection=self._connection, batch_size=batch_size
        )

    def _new_job(
        self, client: "Client", args: tuple[object, ...], kwargs: dict[str, Any]
    ) -> NewJob:
        self._task.check_reachable()
        payload = self._task.payload
        text = payload.encode(args, kwargs, args_bytes_max=client.args_bytes_max)
        return self._pattern.with_args(text)

    def _new_jobs(
        self, client: "Client", calls: Iterable[Mapping[str, object]]
    ) -> Iterator[NewJob]:
        task = self._task
        task.check_reachable()
        payload, args_bytes_max = task.payload, client.args_bytes_max
        for number, call in enumerate(calls):
            try:
                # The first comparison alone for a dict: `isinstance(…, Mapping)` would take a tenth
                # of the time of this loop.
                if type(call) is not dict and not isinstance(call, Mapping):
                    problem = f"a {type(call).__name__} is no mapping of arguments by name"
                    raise InvalidArguments(task.name, [problem], payload.signature)
                text = payload.encode_mapping(call, args_bytes_max=args_bytes_max)
            except InvalidPayload as error:
                note = f"These are the arguments of number {number} of the calls, counted from 0."
                error.add_note(note)
                raise
            yield self._pattern.with_args(text)
