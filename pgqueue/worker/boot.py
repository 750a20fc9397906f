"""The start of a worker process: hears its configuration, loads the tasks, says it is ready.

What makes a start impossible (a module that does not import, a schema too old) is told to the
supervisor with an exit code, so that it is not tried again and again. A database that is away
is waited for.
"""

import ctypes
import faulthandler
import logging
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
from pgqueue.telemetry.log_lines import set_up
from pgqueue.worker.worker import Config, Worker

_log = logging.getLogger("pgqueue.worker")

_PR_SET_PDEATHSIG = 1

# A worker whose supervisor died hands back what it runs; what resists is ended after this.
_ORPHAN_SECONDS = 5.0

_EXIT_WRONG = 2
_EXIT_DATABASE = 3

# Between two tries to reach the database.
_PAUSE_SECONDS = 0.2
_PAUSE_SECONDS_MAX = 5.0


def boot(kind: str, fd: int, scoreboard_fd: int) -> None:
    """Be a worker until told to stop."""
    os.set_inheritable(fd, False)
    channel = Channel(socket.socket(fileno=fd))
    _mind_signals()
    config = _hear_config(channel)
    set_up(config.log_level)
    try:
        executors = _prepare(config, channel)
    except PgqueueError as error:
        if isinstance(error, SchemaTooNew):
            channel.send("schema_too_new", message=str(error))
        code = _EXIT_DATABASE if isinstance(error, SchemaMismatch) else _EXIT_WRONG
        channel.send("refused", message=str(error), exit_code=code)
        sys.exit(code)
    scoreboard = Scoreboard(config.scoreboard_slots, scoreboard_fd)
    os.close(scoreboard_fd)
    worker = Worker(kind, config, channel, scoreboard)
    channel.send("ready", executors=executors)
    worker.serve()


def _hear_config(channel: Channel) -> Config:
    told: dict[str, Any] | None = None
    while told is None:
        messages = channel.receive()
        if messages is None:
            sys.exit(0)  # the supervisor is gone already
        told = next((each for each in messages if each["verb"] == "config"), None)
        # What came with it is for the worker: a stop, perhaps.
        channel.push_back(each for each in messages if each is not told)
    del told["verb"]
    return Config(**told)


def _prepare(config: Config, channel: Channel) -> list[str]:
    """Load and record the tasks; the executors they need."""
    configure(url=config.url, schema=config.schema)
    tasks = loading.load(config.tasks)
    _introduce(Database(config.url, config.schema), tasks, channel)
    if tasks:
        preload()  # what the arguments of every job need; the first one need not wait for it
    return sorted({str(task.options.executor) for task in tasks})


def _introduce(database: Database, tasks: "Sequence[Task[..., Any]]", channel: Channel) -> None:
    # Tried until it succeeds: our supervisor reached the database, and starting us anew each
    # time would only cost the imports. See
    # test_a_worker_that_finds_no_connection_free_starts_when_one_is.
    pause = _PAUSE_SECONDS
    heard: list[dict[str, Any]] = []
    while True:
        try:
            _record(database, tasks)
            break
        except TRANSIENT_ERRORS as error:
            reason = str(error).strip().partition("\n")[0]
            facts = {"loop": "start", "pause_seconds": pause, "reason": reason}
            _log.warning("database failed, trying again", extra=facts)
        select.select([channel], [], [], pause)
        messages = channel.receive(wait=False)
        if messages is None or any(each["verb"] == "stop" for each in messages):
            sys.exit(0)
        heard += messages
        pause = min(_PAUSE_SECONDS_MAX, 2 * pause)
    channel.push_back(heard)


def _record(database: Database, tasks: "Sequence[Task[..., Any]]") -> None:
    link = database.open("pgqueue worker")
    try:
        schema_version.check(link)
        if tasks:
            run(link, record_tasks(task.describe() for task in tasks))
    finally:
        link.close()


def _mind_signals() -> None:
    # A worker is stopped by its supervisor, over the line. Signals that reach the whole
    # group (a service manager's SIGTERM, a closed terminal) must not end it in mid-job.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _ignored)
    signal.signal(signal.SIGHUP, _orphaned)
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGHUP)
    except (OSError, AttributeError):
        warnings.warn("this system does not tell a process that its parent died", stacklevel=1)


def _ignored(signum: int, frame: FrameType | None) -> None:
    pass


def _orphaned(signum: int, frame: FrameType | None) -> None:
    # The end of file on the line starts the hand-back; this is for a task that never lets go
    # of the thread. The watchdog is a C thread, which needs no turn of the interpreter.
    faulthandler.dump_traceback_later(_ORPHAN_SECONDS, exit=True)
