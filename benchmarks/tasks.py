"""What the measured jobs do."""

from pgqueue import task


@task
def noop(n: int) -> None:
    """Nothing."""
