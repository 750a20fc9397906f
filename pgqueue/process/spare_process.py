"""The process of a worker before it is told which: a fresh interpreter that waits for a line.

It imports what any worker of its kind needs, which takes a fifth of a second. The first one of a
supervisor begins before the supervisor has imported and asked what it needs itself: `Child` makes a
worker of it, and whoever gives up before that ends it.
"""

import os
import subprocess
import sys

from pgqueue.process.channel import Channel
from pgqueue.process.scoreboard import Scoreboard, scoreboard_file

_MODULE = "pgqueue.worker"


class SpareProcess:
    """A process that has begun; as a context it is ended at the end, unless it became a worker.

    Args:
        executor: `greenlet`, `asyncio` or `process`: it decides what is patched and imported.
    """

    def __init__(self, executor: str) -> None:
        self.executor = executor
        self.channel, theirs = Channel.pair()
        self._file = scoreboard_file()
        self._is_taken = False
        fds = [theirs.fileno(), self._file]
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, executor, *map(str, fds)],
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            theirs.close()

    def take(self, slots: int) -> Scoreboard:
        """Make it a worker's: from now on its end is that worker's. The answer is its board."""
        self._is_taken = True
        try:
            return Scoreboard(slots, self._file)
        finally:
            os.close(self._file)

    def __enter__(self) -> "SpareProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_taken:
            # It holds nothing yet. Should we be ended before this, it reads the end of the line.
            self.process.kill()
            self.process.wait()
            self.channel.close()
            os.close(self._file)
