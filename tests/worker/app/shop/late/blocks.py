"""A module whose import waits in C, where no error reaches it."""

import ctypes

while True:
    ctypes.PyDLL(None).usleep(100_000_000)
