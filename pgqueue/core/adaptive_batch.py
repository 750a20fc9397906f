"""How much to ask for at once, when too much of it is refused."""


class AdaptiveBatch:
    """Half as much after a refusal, a twentieth of the most more after each answer.

    Args:
        most: As much as is ever asked for, and what it begins with.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = most

    def halve(self, asked: int) -> bool:
        """*asked* were refused; False when it was one, and less cannot be asked for."""
        self.size = max(1, asked // 2)
        return asked > 1

    def grow(self) -> None:
        """There was an answer."""
        self.size = min(self._most, self.size + max(1, self._most // 20))
