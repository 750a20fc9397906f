"""All commands in one application, and every error turned into a message and an exit code."""

import sys
from collections import UserDict
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from pgqueue import __version__
from pgqueue.cli.process_title import hide_passwords
from pgqueue.core.errors import (
    AccessDenied,
    DatabaseUnreachable,
    EmbeddedUnavailable,
    JobGone,
    NoDatabase,
    PgqueueError,
    SchemaBusy,
    SchemaMismatch,
    WrongStatus,
)
from pgqueue.core.exit_codes import EXIT_DATABASE, EXIT_FAILED, EXIT_USAGE
from pgqueue.tasks.default import configure

if TYPE_CHECKING:
    from pgqueue.process.spare_process import SpareProcess

if TYPE_CHECKING:
    pass

_DATABASE = (AccessDenied, DatabaseUnreachable, EmbeddedUnavailable, NoDatabase, SchemaMismatch)
_WORK = (JobGone, SchemaBusy, WrongStatus)

_COMMANDS: Final = (
    *("demo", "worker", "run", "enqueue", "logs", "migrate", "config"),
    *("jobs", "tasks"),
)


class _Modules(UserDict[str, Any]):
    """Commands by name, each from the module of that name, imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if super().__getitem__(name) is None:
            self[name] = _command(name)
        return super().__getitem__(name)


class _Commands(TyperGroup):
    """All commands; what one of them needs is not imported for another."""

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self.commands = _Modules(dict.fromkeys(_COMMANDS))


def _command(name: str) -> Any:
    module = import_module(f"pgqueue.cli.{name}")
    group: typer.Typer | None = getattr(module, "app", None)
    if group is None:
        group = typer.Typer(add_completion=False)
        group.command(name)(getattr(module, name))
    return typer.main.get_command(group)


app = typer.Typer(
    name="pgqueue",
    cls=_Commands,
    help="A task queue that lives in PostgreSQL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print(f"pgqueue {__version__}")
        raise typer.Exit


@app.callback()
def pgqueue(
    is_version_asked: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the release."
        ),
    ] = False,
) -> None:
    """A task queue that lives in PostgreSQL."""


def main(arguments: Sequence[str] | None = None, *, spare: "SpareProcess | None" = None) -> int:
    """Run one command; the exit code.

    Args:
        spare: A process for a supervisor's first child; the command's context has it as `obj`.
    """
    if arguments is None:
        hide_passwords()
    words = None if arguments is None else list(arguments)
    try:
        code = app(args=words, standalone_mode=False, obj=spare)
    except PgqueueError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        if isinstance(error, _DATABASE):
            return EXIT_DATABASE
        return EXIT_FAILED if isinstance(error, _WORK) else EXIT_USAGE
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        return EXIT_FAILED
    except Exception as error:
        # Here, because it loads psycopg, which not every command has to wait for.
        from pgqueue.store.database_errors import TRANSIENT_ERRORS

        # Typer's own usage errors know how to show themselves.
        show = getattr(error, "show", None)
        if show is None and isinstance(error, TRANSIENT_ERRORS):
            print(DatabaseUnreachable(str(error).strip()), file=sys.stderr)
            return EXIT_DATABASE
        if show is None:
            raise
        show()
        return int(getattr(error, "exit_code", EXIT_USAGE))
    finally:
        configure()  # closes what a command opened for the tasks of this process
    return code if isinstance(code, int) else 0
