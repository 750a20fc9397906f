"""The command line of this process, as `ps` shows it to everybody: without passwords.

Linux keeps the arguments in memory of the process's own, where they can be overwritten. Python
has copied them long before. Elsewhere nothing is done.
"""

import ctypes
import os
from pathlib import Path

from pgqueue.core.settings import redact_url

# Of /proc/self/stat, counted behind the name in parentheses, which may hold anything.
_ARGUMENTS_START = 45
_ARGUMENTS_END = 46


def hide_passwords() -> None:
    """Overwrite the passwords in arguments that look like a database's address."""
    try:
        facts = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = int(facts[_ARGUMENTS_START]), int(facts[_ARGUMENTS_END])
    except (OSError, IndexError, ValueError):
        return
    if 0 < start < end:
        shown = ctypes.string_at(start, end - start)
        ctypes.memmove(start, b"\0".join(map(_hidden, shown.split(b"\0"))), end - start)


def _hidden(argument: bytes) -> bytes:
    text = os.fsdecode(argument)
    # As long as it was: the next argument begins where it did.
    return os.fsencode(redact_url(text))[: len(argument)].ljust(len(argument), b"\0")
