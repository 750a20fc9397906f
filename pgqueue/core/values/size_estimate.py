"""The least size of a value, estimated before the value is converted.

A list of two of a list of two … has 60 objects, and 2**60 when it is written out. A library that
writes it, or reads an endless iterator, takes all memory, and the process dies.
"""

from typing import Final

from pgqueue.core.values.introspect import is_iterator, parts
from pgqueue.core.values.storable import DEPTH_MAX, TYPE_ADVICE, NotStorable

_TEXTS: Final = (str, bytes, bytearray)


class SizeEstimate:
    """Adds up the least size of values: a byte for each, and the length of each text.

    Args:
        bytes_max: The sum at which it stops.

    Attributes:
        bytes: The sum; no JSON text of the values is shorter.
        met_iterator: Whether an iterator was among the values.
    """

    __slots__ = ("_bytes_max", "bytes", "met_iterator")

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self.bytes = 0
        self.met_iterator = False

    @property
    def is_full(self) -> bool:
        """Whether the sum exceeds `bytes_max`."""
        return self.bytes > self._bytes_max

    def put(self, value: object, depth: int = 1) -> None:
        """Add a value and its items, down to the level that is refused anyway."""
        kind = type(value)
        self.bytes += 1
        if kind in _TEXTS:
            self.bytes += len(value)  # type: ignore[arg-type]
        elif kind in _PLAIN or depth > DEPTH_MAX:
            return
        elif is_iterator(value):
            self.met_iterator = True
        else:
            for step, item in parts(value):
                if type(step) is str:
                    self.bytes += len(step)
                self.put(item, depth + 1)
                if self.is_full:
                    return


def is_larger(value: object, bytes_max: int) -> bool:
    """Return whether a value is larger than *bytes_max*, and stop reading it there."""
    estimate = SizeEstimate(bytes_max)
    estimate.put(value)
    return estimate.is_full


def refuse_iterators(value: object, depth: int = 1) -> None:
    """Raise NotStorable for an iterator in a value: reading it uses it up, and may never end."""
    if is_iterator(value):
        raise NotStorable(value, f"it can be read only once, and may never end. {TYPE_ADVICE}")
    if depth > DEPTH_MAX:
        return
    for step, item in parts(value):
        try:
            refuse_iterators(item, depth + 1)
        except NotStorable as problem:
            problem.steps.append(step)
            raise


_PLAIN: Final = (int, float, bool, type(None))
