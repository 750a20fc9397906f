"""The forks of a worker: the code that forked goes on there, and nothing of pgqueue does.

A task may fork: by `os.fork`, `multiprocessing`, or a library. Without this module the other jobs
of the worker would go on in the fork too, claim jobs there, and record results. The fork leaves
when the run that forked ends.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

Handler = Callable[[int, FrameType | None], Any]

is_fork = False
"""Whether this process is a fork of a worker. Written once, when the fork starts."""

# The main thread of the worker adds to both, before any task runs.
_handlers: dict[int, Handler] = {}
_actions: list[Callable[[], object]] = []

# The blocked signals of each thread that forks now. Each thread writes its own.
_masks: dict[int, set[int | signal.Signals]] = {}


def install() -> None:
    """Prepare each fork of this process; called once, at the start of a worker."""
    os.register_at_fork(
        before=_block_signals, after_in_parent=_restore_signals, after_in_child=_start_fork
    )


def handle_signal(number: int, handler: Handler) -> None:
    """Handle a signal in the worker; a fork has the default for it."""
    _handlers[number] = handler
    signal.signal(number, handler)


def on_fork(action: Callable[[], object]) -> None:
    """Call *action* at the start of each fork, in the fork."""
    _actions.append(action)


def leave(error: BaseException | None = None) -> NoReturn:
    """End this process, as Python would after *error*, without what runs at a worker's end."""
    code = 1
    try:
        code = _exit_code(error)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    finally:
        os._exit(code)


def _exit_code(error: BaseException | None) -> int:
    if error is None:
        return 0
    if not isinstance(error, SystemExit):
        traceback.print_exception(error)
        return 1
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def _block_signals() -> None:
    # The worker ignores SIGTERM. One that arrives before the fork has the default would be lost,
    # and `Process.terminate()` right after `start()` would do nothing.
    _masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, list(_handlers))


def _restore_signals() -> None:
    mask = _masks.pop(threading.get_ident(), None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _start_fork() -> None:
    global is_fork
    is_fork = True
    try:
        for number, handler in _handlers.items():
            if signal.getsignal(number) == handler:
                default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
                signal.signal(number, default)
        for action in _actions:
            action()
    finally:
        _restore_signals()
