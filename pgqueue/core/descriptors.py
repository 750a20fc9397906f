"""File descriptors, below the objects of Python that own them."""

import os


def replace_by_null(fd: int) -> None:
    """Let a descriptor refer to /dev/null; its number stays taken, so its owner closes no other."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, fd, inheritable=False)
    os.close(null)
