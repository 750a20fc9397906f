"""The exceptions that a group of exceptions stands for.

A `TaskGroup` of asyncio wraps what its children raise, so that a decision or an error of a child
arrives in a group.
"""

from typing import Final

_LEAVES_MAX: Final = 1_000


def leaves(error: BaseException) -> list[BaseException]:
    """Return the exceptions in a group and in its groups; any other exception alone.

    A group of more than 1,000 exceptions is returned as it is.
    """
    found: list[BaseException] = []
    waiting = [error]
    seen_count = 0
    while waiting:
        current = waiting.pop()
        seen_count += 1
        if seen_count > _LEAVES_MAX:
            return [error]
        # By class and not by isinstance, which calls code of the exception as well.
        if issubclass(type(current), BaseExceptionGroup):
            # By the class of groups: a subclass may replace the attribute by code that raises.
            waiting += BaseExceptionGroup.exceptions.__get__(current)
        else:
            found.append(current)
    return found
