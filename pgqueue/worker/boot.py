"""The start of a worker process: receives its configuration, loads the tasks, reports it is ready.

An error that makes every start impossible (a module that does not import, a schema too old) goes to
the supervisor with an exit code, so that the supervisor does not try again and again. A database
that cannot be reached is waited for.
"""

import ctypes
import faulthandler
import os
import select
import signal
import socket
import sys
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import Any

from pgqueue.core.errors import PgqueueError, SchemaMismatch, SchemaTooNew
from pgqueue.core.events.event import emit
from pgqueue.core.events.jobs import QueueSplit, TasksLoaded
from pgqueue.core.events.services import DatabaseFailed
from pgqueue.core.exit_codes import EXIT_DATABASE, EXIT_USAGE
from pgqueue.core.queue_pattern import is_split
from pgqueue.core.standard_streams import replace_unencodable
from pgqueue.core.values.codec import preload
from pgqueue.process.channel import Channel
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.store import schema_version
from pgqueue.store.connection.database import Database
from pgqueue.store.database_errors import TRANSIENT_ERRORS
from pgqueue.store.statement import run
from pgqueue.store.tasks import record_tasks
from pgqueue.tasks import loading
from pgqueue.tasks.default import configure
from pgqueue.tasks.task import Task
from pgqueue.telemetry import log_setup
from pgqueue.worker import forks
from pgqueue.worker.supervisor_link import Reports
from pgqueue.worker.worker import Config, Worker

_PR_SET_PDEATHSIG = 1

# A worker whose supervisor died returns its jobs to the queue; a task that resists is ended after
# this time.
_ORPHAN_SECONDS = 5.0

_SUPERVISOR_PID = os.getppid()

# Between two tries to reach the database.
_PAUSE_SECONDS = 0.2
_PAUSE_SECONDS_MAX = 5.0


def boot(kind: str, fd: int, scoreboard_fd: int) -> None:
    """Be a worker until the supervisor stops it."""
    replace_unencodable()
    os.set_inheritable(fd, False)
    channel = Channel(socket.socket(fileno=fd))
    forks.install()
    _install_signal_handlers()
    config = _receive_config(channel)
    log_setup.prepare(config)
    reports = Reports(channel)
    try:
        executors = _prepare(config, channel)
    except PgqueueError as error:
        if isinstance(error, SchemaTooNew):
            reports.schema_too_new(error)
        code = EXIT_DATABASE if isinstance(error, SchemaMismatch) else EXIT_USAGE
        reports.refused(str(error), code)
        sys.exit(code)
    scoreboard = Scoreboard(config.scoreboard_slots, scoreboard_fd)
    os.close(scoreboard_fd)
    worker = Worker(kind, config, channel, scoreboard)
    reports.ready(executors)
    worker.serve()


def _receive_config(channel: Channel) -> Config:
    fields: dict[str, Any] | None = None
    while fields is None:
        messages = channel.receive()
        if messages is None:
            sys.exit(0)  # the supervisor is gone already
        fields = next((message for message in messages if message["verb"] == "config"), None)
        # The other messages are for the worker: a stop, perhaps.
        channel.push_back(message for message in messages if message is not fields)
    del fields["verb"]
    return Config(**fields)


def _prepare(config: Config, channel: Channel) -> list[str]:
    """Load and record the tasks; the executors they need."""
    configure(url=config.url, schema=config.schema)
    tasks = loading.load(config.tasks)
    if forks.is_fork:
        forks.leave()  # a module of tasks forked while it was imported
    log_setup.complete(config)
    if config.tasks:
        modules = ",".join(config.tasks)
        emit(TasksLoaded(worker_id=config.worker_id, modules=modules, task_count=len(tasks)))
    for task in tasks:
        if is_split(config.queues, queue := task.options.queue):
            emit(QueueSplit(task=task.name, queue=queue))
    _record_tasks(Database(config.url, config.schema), tasks, channel)
    if tasks:
        preload()  # the arguments of every job need it, and the first job need not wait for it
    return sorted({str(task.options.executor) for task in tasks})


def _record_tasks(database: Database, tasks: "Sequence[Task[..., Any]]", channel: Channel) -> None:
    # Tried until it succeeds: the supervisor has reached the database, and a new process each time
    # would repeat the imports. See
    # test_a_worker_that_finds_no_connection_free_starts_when_one_is.
    pause = _PAUSE_SECONDS
    received: list[dict[str, Any]] = []
    while True:
        try:
            _try_record_tasks(database, tasks)
            break
        except TRANSIENT_ERRORS as error:
            reason = str(error).strip().partition("\n")[0]
            emit(DatabaseFailed(loop="start", pause_seconds=pause, reason=reason))
        select.select([channel], [], [], pause)
        messages = channel.receive(wait=False)
        if messages is None or any(message["verb"] == "stop" for message in messages):
            sys.exit(0)
        received += messages
        pause = min(_PAUSE_SECONDS_MAX, 2 * pause)
    channel.push_back(received)


def _try_record_tasks(database: Database, tasks: "Sequence[Task[..., Any]]") -> None:
    link = database.open("pgqueue worker")
    try:
        schema_version.check(link)
        if tasks:
            run(link, record_tasks(task.describe() for task in tasks))
    finally:
        link.close()


def _install_signal_handlers() -> None:
    # The supervisor stops a worker over the channel. A signal to the whole process group (a
    # service manager's SIGTERM, a closed terminal) must not end the worker in mid-job.
    for number in (signal.SIGINT, signal.SIGTERM):
        forks.handle_signal(number, _ignore)
    forks.handle_signal(signal.SIGHUP, _on_supervisor_death)
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGHUP)
    except (OSError, AttributeError):
        warnings.warn("this system sends no signal when a parent process dies", stacklevel=1)


def _ignore(signum: int, frame: FrameType | None) -> None:
    pass


def _on_supervisor_death(signum: int, frame: FrameType | None) -> None:
    if os.getppid() == _SUPERVISOR_PID:
        return  # somebody sent it to all processes: the supervisor stops this one in order
    # The end of file on the channel stops the worker in order. This ends a task that never
    # yields. The watchdog is a C thread, so that it does not wait for the interpreter.
    faulthandler.dump_traceback_later(_ORPHAN_SECONDS, exit=True)
