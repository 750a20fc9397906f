"""A set of names with a limit, which drops the oldest name.

Names that come from outside must not grow without end in a process that runs for months.
"""

from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Final

NAMES_MAX: Final = 10_000


class BoundedNames:
    """A set of names that drops the oldest one when it is full; safe on any thread.

    Args:
        names_max: How many names it keeps.
    """

    def __init__(self, names_max: int = NAMES_MAX) -> None:
        self._names: dict[str, None] = {}
        self._names_max = names_max
        self._changing = Lock()

    def add(self, name: str) -> bool:
        """Add a name; True when it is new."""
        with self._changing:
            is_new = name not in self._names
            self._names[name] = None
            if len(self._names) > self._names_max:
                del self._names[next(iter(self._names))]
            return is_new

    def add_all(self, names: Iterable[str]) -> list[str]:
        """Add names and return the new ones."""
        return [name for name in names if self.add(name)]

    @property
    def is_full(self) -> bool:
        """Whether a new name would drop another one."""
        return len(self._names) == self._names_max

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._names))  # a copy: another thread may add a name meanwhile
