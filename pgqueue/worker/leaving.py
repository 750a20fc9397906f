"""The last moments of a worker's process."""

import atexit
import os
import sys
from contextlib import suppress
from typing import NoReturn

from pgqueue.process.sessions import end_session


def leave(exit_code: int) -> NoReturn:
    """End this worker's process, and all processes that its tasks have left behind.

    Functions of `atexit` run. Threads are not waited for: the end of the interpreter would wait
    for a thread that a job has left behind, until the supervisor kills the worker.
    """
    # First: a function of `atexit` waits for the processes that `multiprocessing` has started.
    end_session(os.getpid())
    atexit._run_exitfuncs()
    leave_now(exit_code)


def leave_now(exit_code: int) -> NoReturn:
    """End this worker's process at once, and what its tasks have left behind."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with suppress(OSError, ValueError):
                    stream.flush()
        end_session(os.getpid())
    finally:
        os._exit(exit_code)
