"""Starts one worker: `python -m pgqueue.worker KIND LINE BOARD`, by a supervisor alone.

KIND is `greenlet`, `asyncio` or `process`; LINE is the file descriptor of this end of the line to
the supervisor, BOARD that of the memory that both have. A greenlet worker is patched by gevent
before anything else is imported.
"""

import sys

if sys.argv[1] == "greenlet":
    from pgqueue.worker.patching import patch

    patch()

from pgqueue.worker.boot import boot

boot(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
