"""The keeper of an embedded server: waits until nobody uses it, then stops it.

A process of its own, started with the server, so that even the end of the last user by
SIGKILL leaves no server behind.
"""

import os
import signal
import sys
from pathlib import Path

from pgqueue.store.embedded import Place, stop_when_unused


def main() -> None:
    """`python -m pgqueue.store.embedded_keeper FOLDER BINARIES USER SOCKETS`."""
    folder, binaries, user, sockets = sys.argv[1:]
    for each in (signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    os.chdir("/")
    stop_when_unused(Place(Path(folder), Path(binaries), user or None, Path(sockets)))


if __name__ == "__main__":
    main()
