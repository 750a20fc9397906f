"""The size of the next batch, when the database refuses one that is too large."""


class AdaptiveBatch:
    """Halves after a refusal, and grows by a twentieth of the largest size after a success.

    Args:
        size_max: The largest size, and the first one.

    Attributes:
        size: The size of the next batch. Only the owner's thread changes it.
    """

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self.size = size_max

    def halve(self, refused: int) -> bool:
        """Halve a batch of *refused* items; False when it had one item and cannot be smaller."""
        self.size = max(1, refused // 2)
        return refused > 1

    def grow(self) -> None:
        """Take more items next time, after a batch that was not refused."""
        self.size = min(self._size_max, self.size + max(1, self._size_max // 20))
