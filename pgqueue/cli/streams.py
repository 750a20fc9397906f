"""Standard output and error of a command, which end it in order when they take no more.

Output that takes no more raises `OutputFailed`, so that `logs --follow` ends with its reader. What
standard error does not take is dropped: the exit code still says how the command ended.
"""

import io
import os
import select
import sys
from typing import Any, TextIO

from pgqueue.core.standard_streams import replace_unencodable


class OutputFailed(BaseException):
    """Standard output takes no more. Like KeyboardInterrupt, it is no error of a task."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(f"standard output takes no more: {cause.strerror}")
        self.is_broken_pipe = isinstance(cause, BrokenPipeError)


def protect() -> None:
    """Let no write to standard output or error of this process raise an OSError from now on."""
    replace_unencodable()
    sys.stdout = _protected(sys.stdout, raises=True)
    sys.stderr = _protected(sys.stderr, raises=False)


def _protected(stream: TextIO, *, raises: bool) -> TextIO:
    # None for a descriptor that was closed before the start, and another class where a program
    # has replaced the stream.
    if type(stream) is not io.TextIOWrapper:
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(stream.fileno(), raises=raises)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
    )


class _Descriptor(io.RawIOBase):
    """Writes to a file descriptor until it takes no more."""

    def __init__(self, descriptor: int, *, raises: bool) -> None:
        self._descriptor = descriptor
        self._raises = raises
        self._has_failed = False

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        while not self._has_failed:
            try:
                return os.write(self._descriptor, view)
            except BlockingIOError:
                # Another program made the terminal or pipe non-blocking.
                select.select([], [self._descriptor], [])
            except OSError as error:
                # The buffer is written again at the end of the process, which must not fail, too.
                self._has_failed = True
                if self._raises:
                    raise OutputFailed(error) from None
        return view.nbytes
