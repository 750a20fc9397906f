"""A wall clock that is wrong, for processes that a test starts."""

from pathlib import Path

from parts.python_path import python_path

_LIBRARIES = ("/usr/lib", "*/faketime/libfaketimeMT.so.1")
_SLEEP = Path(__file__).parent / "plain_sleep"


class WrongClock:
    """A clock for processes with its `environment`, and for their children.

    Only the wall clock is wrong. The monotonic clock is the kernel's own, which cannot be set.

    Args:
        file: The file that the processes read at every use of the clock.
        offset: The offset in the form of libfaketime: `+1h`, `-90s`.
    """

    def __init__(self, file: Path, offset: str) -> None:
        self._file = file
        self.set(offset)

    def set(self, offset: str) -> None:
        """Change the offset."""
        # A process may read the file at any moment: it must never be half written.
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of a process with this clock."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": python_path(_SLEEP),
        }


def _library() -> Path:
    folder, pattern = _LIBRARIES
    libraries = sorted(Path(folder).glob(pattern))
    assert libraries, (
        "libfaketime is not installed; `.ci/faketime` installs it, and `make test` calls it"
    )
    return libraries[0]
