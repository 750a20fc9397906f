"""A module whose import lets other greenlets run before it is whole."""

import time

from pgqueue import task


@task
def greet(name: str) -> str:
    return GREETING + name


time.sleep(0.5)

GREETING = "hello "
