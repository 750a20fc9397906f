"""Starts one worker: `python -m pgqueue.worker KIND CHANNEL SCOREBOARD`, by a supervisor alone.

KIND is `greenlet`, `asyncio` or `process`. CHANNEL is the file descriptor of this end of the
channel to the supervisor, and SCOREBOARD that of the shared memory. gevent patches a greenlet
worker, and pgqueue asyncio in an asyncio worker, before anything else is imported.
"""

import sys
import traceback

if sys.argv[1] == "greenlet":
    from pgqueue.worker.patching import patch

    patch()
elif sys.argv[1] == "asyncio":
    from pgqueue.worker.executors.own_tasks import install

    install()

from pgqueue.worker.boot import boot
from pgqueue.worker.leaving import leave

try:
    boot(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    exit_code = 0
except SystemExit as error:
    exit_code = error.code if isinstance(error.code, int) else 1
except BaseException:
    traceback.print_exc()
    exit_code = 1
leave(exit_code)
