"""A module of the told package, imported when a row names it."""

from pgqueue import task


@task
def store() -> None: ...
