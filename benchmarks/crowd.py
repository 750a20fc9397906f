"""A hundred tasks that do nothing, for a worker with many names to tell apart."""

from pgqueue import task

TASK_COUNT = 100

NAME = f"'{__name__}.member_' || to_char(mod(n, {TASK_COUNT}), 'FM00')"
"""The task of the nth job, in SQL."""


def _join(number: int) -> None:
    def member(n: int) -> None:
        """Nothing."""

    # The path tells one task from another.
    member.__qualname__ = f"member_{number:02}"
    task(member)


for _number in range(TASK_COUNT):
    _join(_number)
