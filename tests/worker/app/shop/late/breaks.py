"""A module that raises after it made a task."""

from pgqueue import task


@task
def greet(name: str) -> str:
    return GREETING + name


GREETING = "hello " + 1  # type: ignore[operator]
