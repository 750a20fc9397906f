"""The command line of this process, as `ps` shows it to everybody: without passwords.

Linux keeps the arguments in this process's own memory, where they can be overwritten. Python
copied them long before. Other systems are left alone.
"""

import ctypes
import os
from pathlib import Path

from pgqueue.core.settings import redact_url

# Fields of /proc/self/stat, counted behind the name in parentheses: that name may hold anything.
_ARGUMENTS_START = 45
_ARGUMENTS_END = 46


def hide_passwords() -> None:
    """Overwrite the passwords in arguments that look like a database's address."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = int(fields[_ARGUMENTS_START]), int(fields[_ARGUMENTS_END])
    except (OSError, IndexError, ValueError):
        return
    if 0 < start < end:
        arguments = ctypes.string_at(start, end - start)
        hidden = b"\0".join(map(_hidden, arguments.split(b"\0")))
        ctypes.memmove(start, hidden, end - start)


def _hidden(argument: bytes) -> bytes:
    text = os.fsdecode(argument)
    # The length stays: the next argument begins behind it.
    return os.fsencode(redact_url(text))[: len(argument)].ljust(len(argument), b"\0")
