"""File descriptors, below the objects of Python that own them."""

import os


def replace_by_null(fd: int) -> None:
    """Let a descriptor refer to /dev/null; its number stays taken, so its owner closes no other."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, fd, inheritable=False)
    os.close(null)


def open_standard_streams() -> None:
    """Open /dev/null in the place of each standard stream that is closed.

    Otherwise the next file or socket would get its number, and what is printed would go there.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            if opened == fd:
                os.set_inheritable(fd, True)
            else:
                os.close(opened)  # another thread was faster
