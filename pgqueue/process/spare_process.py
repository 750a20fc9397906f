"""The process of a worker before it knows which worker it is: it waits for its configuration.

It imports the modules that any worker of its executor needs, which takes a fifth of a second. The
first one of a supervisor starts before the supervisor's own imports and queries: `Child` makes it a
worker. A supervisor that ends before that ends the process.
"""

import os
import subprocess
import sys
from contextlib import ExitStack

from pgqueue.core.clock import MONOTONIC, Clock
from pgqueue.core.descriptors import open_standard_streams
from pgqueue.process.channel import Channel
from pgqueue.process.scoreboard import Scoreboard, scoreboard_file

_MODULE = "pgqueue.worker"


class SpareProcess:
    """A started process; a context that ends the process, unless it has become a worker.

    Args:
        executor: `greenlet`, `asyncio` or `process`: decides what is patched and imported.
    """

    def __init__(self, executor: str) -> None:
        self.executor = executor
        # The process inherits the streams: what its tasks print must not reach the channel.
        open_standard_streams()
        self._is_worker = False
        with ExitStack() as on_error:
            self.channel, theirs = Channel.pair()
            on_error.callback(self.channel.close)
            with theirs:
                self._file = scoreboard_file()
                on_error.callback(os.close, self._file)
                fds = [theirs.fileno(), self._file]
                self.process = subprocess.Popen(
                    [sys.executable, "-m", _MODULE, executor, *map(str, fds)],
                    pass_fds=fds,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            on_error.pop_all()

    def become_worker(self, slots: int, clock: Clock = MONOTONIC) -> Scoreboard:
        """Leave the process to the caller, who ends it from now on; the worker's scoreboard."""
        self._is_worker = True
        try:
            return Scoreboard(slots, self._file, clock=clock)
        finally:
            os.close(self._file)

    def __enter__(self) -> "SpareProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_worker:
            # It owns no job yet. If this process dies before this line, the spare process reads
            # the end of file and exits.
            self.process.kill()
            self.process.wait()
            self.channel.close()
            os.close(self._file)
