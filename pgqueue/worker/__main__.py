"""Starts one worker: `python -m pgqueue.worker KIND FD`, by a supervisor and by nobody else.

KIND is `greenlet`, `asyncio` or `process`; FD is this end of the line to the supervisor. A
greenlet worker is patched by gevent before anything else is imported.
"""

import sys

if sys.argv[1] == "greenlet":
    from gevent import monkey

    monkey.patch_all()

from pgqueue.worker.boot import boot

boot(sys.argv[1], int(sys.argv[2]))
