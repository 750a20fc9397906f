"""The processes whose parent has ended: the first process of a container inherits them."""

import os
from collections.abc import Collection


def reap_orphans(own_pids: Collection[int]) -> None:
    """Remove the ended processes that this one has inherited; without this they stay for ever.

    Args:
        own_pids: The processes that others wait for.
    """
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            # An own process that ended just now comes first, and its signal is on the way.
            if ended is None or ended.si_pid in own_pids:
                return
            os.waitpid(ended.si_pid, os.WNOHANG)
        except ChildProcessError:
            return
