"""A module of the loaded package, which is imported when a row names its task."""

from pgqueue import task


@task
def store() -> None: ...
