"""Every error that pgqueue raises on purpose, as one tree; a caller picks how wide to catch.

    PgqueueError
    ├── InvalidTask            a function cannot be a task as it was declared
    ├── InvalidOption          an option of a task or of a call has a bad value
    ├── InvalidSettings        a setting has a bad value, wherever it came from
    ├── InvalidPayload         arguments or a result were refused, nothing was stored
    │   ├── InvalidArguments   they do not fit the task's signature or type hints
    │   ├── UnstorableValue    one value in them cannot be stored and read back equal
    │   ├── PayloadTooLarge    they exceed the limit in bytes
    │   └── ResultTooLarge     a result exceeds its limit in bytes
    ├── UnknownTask            no task has that name here
    ├── TaskModuleNotFound     a module of tasks does not exist
    ├── TaskModuleBroken       a module of tasks exists and raised while it was imported
    ├── NoCurrentJob           no job runs here
    ├── NoDatabase             no database was configured
    ├── DatabaseUnreachable    the database did not answer, and nothing was done
    │   ├── ReplyLost          the connection broke before the reply: it may have been done
    │   └── ConnectionsInUse   every connection of the client was in use for too long
    ├── AccessDenied           the database refused: a right is missing
    ├── EmbeddedUnavailable    the embedded PostgreSQL cannot be started here
    ├── UnsupportedConnection  a caller's connection cannot be used
    ├── UnsupportedDatabase    a database cannot hold every text
    ├── SchemaMismatch         the database and this release do not fit together
    │   ├── SchemaMissing      it was never migrated
    │   ├── SchemaTooOld       it waits for `pgqueue migrate`
    │   └── SchemaTooNew       a newer release migrated it, which excludes this one
    ├── SchemaBusy             a migration could not lock the tables that it changes
    ├── JobGone                no job has that id (any more)
    ├── WrongStatus            a job's status does not allow the verb
    ├── JobLocked              another transaction has locked a job's row
    ├── EventLoopBlocked       a verb that waits was called where an event loop runs
    └── LeaseLost              an attempt belongs to another worker now, or was settled

The facts are attributes, and the message is built from them, so every error survives copying and
pickling. The exceptions that decide the outcome of a task are no errors: see `core.decisions`.
"""

from collections.abc import Sequence

from pgqueue.core.values.short_repr import short_repr


class PgqueueError(Exception):
    """The root of every error that pgqueue raises on purpose."""


class InvalidTask(PgqueueError):
    """A function cannot be a task as it was declared."""

    def __init__(self, task: str, reason: str) -> None:
        super().__init__(task, reason)
        self.task = task
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.task} cannot be a task: {self.reason}"


class InvalidOption(PgqueueError):
    """An option of a task or of a call has a bad value."""

    def __init__(self, option: str, value: object, reason: str) -> None:
        super().__init__(option, value, reason)
        self.option = option
        self.value = value
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.option}={short_repr(self.value)} is refused: {self.reason}"


class InvalidSettings(PgqueueError):
    """A setting has a bad value, wherever it came from."""

    def __init__(self, name: str, value: object, origin: str, reason: str) -> None:
        super().__init__(name, value, origin, reason)
        self.name = name
        self.value = value
        self.origin = origin
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.name} = {short_repr(self.value)} from {self.origin} is refused: {self.reason}"
        )


class InvalidPayload(PgqueueError):
    """Arguments or a result were refused; nothing was stored."""


class InvalidArguments(InvalidPayload):
    """Arguments do not fit the signature or the type hints of their task."""

    def __init__(self, task: str, problems: Sequence[str], signature: str) -> None:
        super().__init__(task, problems, signature)
        self.task = task
        self.problems = tuple(problems)
        self.signature = signature

    def __str__(self) -> str:
        problems = "; ".join(self.problems)
        return f"The arguments of {self.task} were refused: {problems}. Call {self.signature}."


class UnstorableValue(InvalidPayload):
    """One value cannot be stored as JSON and read back equal."""

    def __init__(self, path: str, value: object, reason: str) -> None:
        super().__init__(path, value, reason)
        self.path = path
        self.value = value
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path} = {short_repr(self.value)} cannot be stored: {self.reason}"


class PayloadTooLarge(InvalidPayload):
    """The arguments of one job exceed the limit.

    Attributes:
        size_bytes: Not all of it is counted when it is more than four times the limit.
    """

    def __init__(self, task: str, size_bytes: int, args_bytes_max: int) -> None:
        super().__init__(task, size_bytes, args_bytes_max)
        self.task = task
        self.size_bytes = size_bytes
        self.args_bytes_max = args_bytes_max

    def __str__(self) -> str:
        return (
            f"The arguments of {self.task} take {self.size_bytes:,} bytes as JSON and "
            f"args_bytes_max is {self.args_bytes_max:,}. Store the data elsewhere and pass its "
            "key, or raise the setting."
        )


class ResultTooLarge(InvalidPayload):
    """The result of one job exceeds the limit.

    Attributes:
        size_bytes: Counted no further than needed.
    """

    def __init__(self, size_bytes: int, result_bytes_max: int) -> None:
        super().__init__(size_bytes, result_bytes_max)
        self.size_bytes = size_bytes
        self.result_bytes_max = result_bytes_max

    def __str__(self) -> str:
        return (
            f"The result takes {self.size_bytes:,} bytes as JSON or more and result_bytes_max is "
            f"{self.result_bytes_max:,}. Store the data elsewhere and return its key."
        )


class UnknownTask(PgqueueError):
    """No task has that name here."""

    def __init__(self, name: str, suggestion: str | None = None) -> None:
        super().__init__(name, suggestion)
        self.name = name
        self.suggestion = suggestion

    def __str__(self) -> str:
        if self.suggestion is not None:
            advice = f"Did you mean {self.suggestion!r}?"
        else:
            advice = "Name its module in the setting `tasks` or with `--tasks`."
        return f"No task named {self.name!r} is registered in this process. {advice}"


class TaskModuleNotFound(PgqueueError):
    """A module of tasks does not exist."""

    def __init__(self, module: str, reason: str) -> None:
        super().__init__(module, reason)
        self.module = module
        self.reason = reason

    def __str__(self) -> str:
        return f"There is no module {self.module!r} to load tasks from. {self.reason}"


class TaskModuleBroken(PgqueueError):
    """A module of tasks exists and raised while it was imported; the cause is chained."""

    def __init__(self, module: str, reason: str) -> None:
        super().__init__(module, reason)
        self.module = module
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"The module {self.module!r} raised while it was imported: {self.reason}. "
            f"`python -c 'import {self.module}'` shows the whole traceback."
        )


class NoCurrentJob(PgqueueError):
    """No job runs here: `current_job()` was called outside a task."""

    def __str__(self) -> str:
        return (
            "No job runs here, so there is no current job. Call current_job() inside a task "
            "that a worker runs; a thread started by the task needs contextvars.copy_context()."
        )


class NoDatabase(PgqueueError):
    """No database was configured."""

    def __str__(self) -> str:
        return (
            "No database is configured. Set PGQUEUE_URL (or DATABASE_URL), write `url` into "
            "pgqueue.toml, or call pgqueue.configure(url=...)."
        )


class DatabaseUnreachable(PgqueueError):
    """The database did not answer; unless it is a `ReplyLost`, nothing was done."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"The database cannot be used: {_sentence(self.reason)} Check that it runs and "
            "that the setting `url` names it; `pgqueue config` prints where the value came from."
        )


class ReplyLost(DatabaseUnreachable):
    """The connection broke before the reply, so it is unknown whether the work was done."""

    def __str__(self) -> str:
        return (
            f"The connection broke before the reply: {_sentence(self.reason)} The database may "
            "have done the work. Check that before you try again."
        )


class ConnectionsInUse(DatabaseUnreachable):
    """Every connection of the client was in use for too long, and nothing was done."""

    def __init__(self, connections_max: int, waited_seconds: float) -> None:
        super().__init__(f"its {connections_max} connections were in use")
        self.args = (connections_max, waited_seconds)
        self.connections_max = connections_max
        self.waited_seconds = waited_seconds

    def __str__(self) -> str:
        return (
            f"The client's {self.connections_max} connections were in use for "
            f"{self.waited_seconds:g} s. Use them for shorter, or pass a larger connections_max to "
            "Client(...)."
        )


class AccessDenied(PgqueueError):
    """The database refused, because the connection's role lacks a right."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason, advice)
        self.reason = reason
        self.advice = advice

    def __str__(self) -> str:
        return f"The database refused: {self.reason}. {self.advice}"


class EmbeddedUnavailable(PgqueueError):
    """The embedded PostgreSQL cannot be started here."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"The embedded PostgreSQL cannot be started: {self.reason.rstrip('.')}. "
            "PGQUEUE_URL may name a server of your own instead."
        )


class UnsupportedConnection(PgqueueError):
    """A caller's connection cannot be used."""

    def __init__(self, type: str, advice: str) -> None:
        super().__init__(type, advice)
        self.type = type
        self.advice = advice

    def __str__(self) -> str:
        return f"A connection of type {self.type} cannot carry jobs. {self.advice}"


class SchemaMismatch(PgqueueError):
    """The database and this release do not fit together."""

    def __init__(self, found: str | None, needed: str) -> None:
        super().__init__(found, needed)
        self.found = found
        self.needed = needed


class SchemaMissing(SchemaMismatch):
    """The database was never migrated."""

    def __init__(self, found: str | None, needed: str, schema: str) -> None:
        super().__init__(found, needed)
        self.args = (found, needed, schema)
        self.schema = schema

    def __str__(self) -> str:
        return (
            f"The database has no tables of pgqueue in the schema {self.schema!r}, and this "
            f"release needs revision {self.needed}. Run `pgqueue migrate`, or check the setting "
            "`schema`."
        )


class SchemaTooOld(SchemaMismatch):
    """The database waits for a migration that this release needs."""

    def __str__(self) -> str:
        return (
            f"The database is at revision {self.found} and this release needs {self.needed}. "
            "Run `pgqueue migrate`."
        )


class SchemaTooNew(SchemaMismatch):
    """A newer release migrated the database, which excludes this release."""

    def __str__(self) -> str:
        return (
            f"The database is at revision {self.found}, which excludes releases that need "
            f"{self.needed}, as this one does. Install the newer release here too."
        )


class SchemaBusy(PgqueueError):
    """A migration could not lock the tables that it changes, because others had locked them.

    Attributes:
        lockers: The processes that have locks on them, the longest first, in words.
    """

    def __init__(self, tries: int, lockers: Sequence[str]) -> None:
        super().__init__(tries, lockers)
        self.tries = tries
        self.lockers = tuple(lockers)

    def __str__(self) -> str:
        lockers = "; ".join(self.lockers) or "no process any more"
        return (
            f"Other processes had locked the tables at each of {self.tries} tries, and nothing "
            f"was changed. They are locked by {lockers}. Run it again when these have ended."
        )


class UnsupportedDatabase(PgqueueError):
    """A database cannot hold jobs, because it cannot hold every text."""

    def __init__(self, encoding: str) -> None:
        super().__init__(encoding)
        self.encoding = encoding

    def __str__(self) -> str:
        return (
            f"The database's encoding is {self.encoding}; jobs need UTF8. Create one by "
            "`create database … encoding 'UTF8' template template0`; an encoding cannot be changed."
        )


class JobGone(PgqueueError):
    """No job has that id, or none has it any more."""

    def __init__(self, job_id: int) -> None:
        super().__init__(job_id)
        self.job_id = job_id

    def __str__(self) -> str:
        return (
            f"There is no job {self.job_id}: it was pruned, deleted or never committed. The "
            "option `keep` says how long a finished job stays; with 0 a success is gone at once."
        )


class WrongStatus(PgqueueError):
    """A job's status does not allow the verb."""

    def __init__(self, job_id: int, status: str, verb: str, advice: str) -> None:
        super().__init__(job_id, status, verb, advice)
        self.job_id = job_id
        self.status = status
        self.verb = verb
        self.advice = advice

    def __str__(self) -> str:
        return (
            f"Job {self.job_id} is {self.status}, which does not allow to {self.verb} it. "
            f"{self.advice}"
        )


class JobLocked(PgqueueError):
    """Another transaction had locked a job's row for too long, and nothing was done."""

    def __init__(self, job_id: int, verb: str) -> None:
        super().__init__(job_id, verb)
        self.job_id = job_id
        self.verb = verb

    def __str__(self) -> str:
        return (
            f"Another transaction has locked job {self.job_id}, so it was not possible to "
            f"{self.verb} it. Try again when that transaction has ended; `select * from "
            "pg_stat_activity where state like 'idle in%'` shows forgotten ones."
        )


class EventLoopBlocked(PgqueueError):
    """A verb that waits was called in a coroutine, where it would stop the event loop."""

    def __init__(self, verb: str, twin: str) -> None:
        super().__init__(verb, twin)
        self.verb = verb
        self.twin = twin

    def __str__(self) -> str:
        return (
            f"`{self.verb}` would stop the event loop that runs in this thread until it returns. "
            f"Use its asyncio twin, {self.twin}."
        )


class LeaseLost(PgqueueError):
    """An attempt belongs to another worker now, or was settled by another process."""

    def __init__(self, job_id: int, attempt: int, worker_id: int) -> None:
        super().__init__(job_id, attempt, worker_id)
        self.job_id = job_id
        self.attempt = attempt
        self.worker_id = worker_id

    def __str__(self) -> str:
        return (
            f"Worker {self.worker_id} lost attempt {self.attempt} of job {self.job_id}: it did not "
            "renew its lease in time, or the job was settled meanwhile. Roll back the writes of "
            "this attempt: the job belongs to another attempt, or has ended."
        )


def _sentence(reason: str) -> str:
    """The message of a library, which may have several lines and tabs, as one sentence."""
    words = " ".join(reason.split())
    return words if words.endswith("?") else words.rstrip(". ") + "."
