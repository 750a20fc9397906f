"""All commands in one application, and every error turned into a message and an exit code."""

import sys
from collections import UserDict
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from pgqueue import __version__
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
from pgqueue.runtime.process_title import hide_passwords
from pgqueue.tasks.default import configure

if TYPE_CHECKING:
    from pgqueue.process.spare_process import SpareProcess

_DATABASE_ERRORS: Final = (
    AccessDenied,
    DatabaseUnreachable,
    EmbeddedUnavailable,
    NoDatabase,
    SchemaMismatch,
)
_WORK_ERRORS: Final = (JobGone, SchemaBusy, WrongStatus)

_COMMANDS: Final = (
    *("demo", "worker", "run", "enqueue", "logs", "migrate", "config"),
    *("jobs", "tasks"),
)


class _LazyCommands(UserDict[str, Any]):
    """Commands by name; the module of that name is imported when the command is read."""

    def __getitem__(self, name: str) -> Any:
        if super().__getitem__(name) is None:
            self[name] = _import_command(name)
        return super().__getitem__(name)


class _CommandGroup(TyperGroup):
    """All commands; no command waits for the imports of another."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = _LazyCommands(dict.fromkeys(_COMMANDS))


def _import_command(name: str) -> Any:
    module = import_module(f"pgqueue.cli.{name}")
    group: typer.Typer | None = getattr(module, "app", None)
    if group is None:
        group = typer.Typer(add_completion=False)
        group.command(name)(getattr(module, name))
    return typer.main.get_command(group)


app = typer.Typer(
    name="pgqueue",
    cls=_CommandGroup,
    help="A task queue that lives in PostgreSQL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"pgqueue {__version__}")
        raise typer.Exit


@app.callback()
def pgqueue(
    is_version_wanted: Annotated[
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
        spare: A process for a supervisor's first child; commands find it in `context.obj`.
    """
    if arguments is None:
        hide_passwords()
    args = None if arguments is None else list(arguments)
    try:
        code = app(args=args, standalone_mode=False, obj=spare)
    except PgqueueError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        if isinstance(error, _DATABASE_ERRORS):
            return EXIT_DATABASE
        return EXIT_FAILED if isinstance(error, _WORK_ERRORS) else EXIT_USAGE
    except typer.Exit as exit:
        return exit.exit_code
    except typer.Abort:
        return EXIT_FAILED
    except Exception as error:
        # Here, because this import loads psycopg, which some commands do without.
        from pgqueue.store.database_errors import TRANSIENT_ERRORS

        # Typer's own usage errors have a method `show`.
        show = getattr(error, "show", None)
        if show is None and isinstance(error, TRANSIENT_ERRORS):
            print(DatabaseUnreachable(str(error).strip()), file=sys.stderr)
            return EXIT_DATABASE
        if show is None:
            raise
        show()
        return int(getattr(error, "exit_code", EXIT_USAGE))
    finally:
        configure()  # close the connections of the default client
    return code if isinstance(code, int) else 0
