"""Standard output and error that take every character, whatever their encoding."""

import io
import sys


def replace_unencodable() -> None:
    r"""Write a character that a stream's encoding lacks as `\u70e4`, from now on.

    Else `print` would raise UnicodeEncodeError under `LC_ALL=C`, and fail a command or a job.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
