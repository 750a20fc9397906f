"""One task, among things that are none."""

import os  # noqa: F401 - a name in this module that is no task

import psycopg  # noqa: F401 - and another

from pgqueue import task


@task
def tidy() -> str:
    return "tidy"


def not_a_task() -> None: ...


class QueueDatabase:
    def method(self) -> None: ...
