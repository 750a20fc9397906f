"""Exit codes, and the one place where errors become a message and a code.

0  done, stopping by a signal included
1  the work failed
2  wrong usage
3  database unreachable, or its schema and this release do not fit together
"""

import sys
from typing import Any, Final

import typer
from typer.core import TyperGroup

from pgqueue.core.errors import (
    DatabaseUnreachable,
    EmbeddedUnavailable,
    InvalidOption,
    InvalidPayload,
    InvalidSettings,
    InvalidTask,
    NoDatabase,
    PgqueueError,
    SchemaMismatch,
    TaskModuleBroken,
    TaskModuleNotFound,
    UnknownTask,
)

FAILED: Final = 1
USAGE: Final = 2
DATABASE: Final = 3

_USAGE_ERRORS: Final = (
    InvalidOption,
    InvalidPayload,
    InvalidSettings,
    InvalidTask,
    TaskModuleBroken,
    TaskModuleNotFound,
    UnknownTask,
)
_DATABASE_ERRORS: Final = (DatabaseUnreachable, EmbeddedUnavailable, NoDatabase, SchemaMismatch)


class Commands(TyperGroup):
    """The root of all commands: turns what pgqueue raises on purpose into message and code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; any other error keeps its traceback, because it is a defect."""
        try:
            return super().invoke(ctx)
        except PgqueueError as error:
            say(f"Error: {error}")
            raise typer.Exit(code_of(error)) from error
        except Exception as error:
            if not _is_passing(error):
                raise
            say(f"Error: {DatabaseUnreachable(str(error).strip())}")
            raise typer.Exit(DATABASE) from error


def code_of(error: PgqueueError) -> int:
    """The exit code that tells of an error."""
    if isinstance(error, _DATABASE_ERRORS):
        return DATABASE
    return USAGE if isinstance(error, _USAGE_ERRORS) else FAILED


def say(text: str) -> None:
    """Tell the person something on standard error, where it does not mix with output."""
    print(text, file=sys.stderr, flush=True)


def _is_passing(error: Exception) -> bool:
    # Here: `pgqueue --help` and `config` need no driver.
    from pgqueue.store.faults import PASSING

    return isinstance(error, PASSING)
