"""One task, beside objects that are no tasks."""

import os  # noqa: F401 - a name of this module that is no task

import psycopg  # noqa: F401 - another one

from pgqueue import task


@task
def tidy() -> str:
    return "tidy"


def not_a_task() -> None: ...


class Broom:
    def method(self) -> None: ...
