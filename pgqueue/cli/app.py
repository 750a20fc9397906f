"""All commands in one application, and every error turned into a message and an exit code."""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from pgqueue.cli import config, demo, enqueue, jobs, logs, migrate, run, tasks, worker
from pgqueue.cli.exit_codes import EXIT_DATABASE, EXIT_FAILED, EXIT_USAGE
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
from pgqueue.store.faults import PASSING
from pgqueue.tasks.default import configure

_DATABASE = (AccessDenied, DatabaseUnreachable, EmbeddedUnavailable, NoDatabase, SchemaMismatch)
_WORK = (JobGone, SchemaBusy, WrongStatus)

app = typer.Typer(
    name="pgqueue",
    help="A task queue that lives in PostgreSQL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print(f"pgqueue {version('pgqueue')}")
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


app.command("demo")(demo.demo)
app.command("worker")(worker.worker)
app.command("run")(run.run)
app.command("enqueue")(enqueue.enqueue)
app.add_typer(jobs.app, name="jobs")
app.add_typer(tasks.app, name="tasks")
app.command("logs")(logs.logs)
app.command("migrate")(migrate.migrate)
app.command("config")(config.config)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    if arguments is None:
        hide_passwords()
    try:
        code = app(args=None if arguments is None else list(arguments), standalone_mode=False)
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
        # Typer's own usage errors know how to show themselves.
        show = getattr(error, "show", None)
        if show is None and isinstance(error, PASSING):
            print(DatabaseUnreachable(str(error).strip()), file=sys.stderr)
            return EXIT_DATABASE
        if show is None:
            raise
        show()
        return int(getattr(error, "exit_code", EXIT_USAGE))
    finally:
        configure()  # closes what a command opened for the tasks of this process
    return code if isinstance(code, int) else 0


def entry() -> None:
    """The console script."""
    sys.exit(main())
