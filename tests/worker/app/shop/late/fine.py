"""A module that imports."""

from pgqueue import task


@task
def greet(name: str) -> str:
    return f"hello {name}"


@task(executor="process")
def compute(name: str) -> str:
    return name.upper()
