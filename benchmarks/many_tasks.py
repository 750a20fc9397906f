"""A hundred tasks that do nothing, for a worker that must distinguish many names."""

from pgqueue import task

TASK_COUNT = 100

NAME = f"'{__name__}.nothing_' || to_char(mod(n, {TASK_COUNT}), 'FM00')"
"""The task of the nth job, in SQL."""


def _declare(number: int) -> None:
    def nothing(n: int) -> None:
        """Do nothing."""

    # Each task needs a path of its own.
    nothing.__qualname__ = f"nothing_{number:02}"
    task(nothing)


for _number in range(TASK_COUNT):
    _declare(_number)
