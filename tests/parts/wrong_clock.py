"""A wall clock that is wrong, for processes that a test starts."""

from pathlib import Path

from parts.python_path import python_path

_LIBRARIES = ("/usr/lib", "*/faketime/libfaketimeMT.so.1")
_SLEEP = Path(__file__).parent / "plain_sleep"


class WrongClock:
    """What `environment` starts sees this clock instead of the host's, and so do its children.

    Only the wall clock is wrong: the monotonic one is the kernel's own, which nobody can set.

    Args:
        file: What the processes read at every look at the clock.
        told: How far it is off, as libfaketime has it: `+1h`, `-90s`.
    """

    def __init__(self, file: Path, told: str) -> None:
        self._file = file
        self.set(told)

    def set(self, told: str) -> None:
        """Be that far off from now on."""
        # Never half a file: a process may read it at any moment.
        new = self._file.with_suffix(".new")
        new.write_text(f"{told}\n")
        new.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a process has to be started with."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": python_path(_SLEEP),
        }


def _library() -> Path:
    folder, pattern = _LIBRARIES
    found = sorted(Path(folder).glob(pattern))
    assert found, (
        "libfaketime is not installed; `.ci/faketime` installs it, and `make test` calls it"
    )
    return found[0]
