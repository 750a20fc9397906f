"""All commands in one application, and every error turned into a message and an exit code.

Exit codes: 0 done, 1 the work failed, 2 wrong usage, 3 database unreachable or a schema that
does not fit.
"""

import sys
from collections.abc import Sequence
from typing import Final

import typer

from pgqueue.cli import config, demo, enqueue, jobs, logs, migrate, run, tasks, worker
from pgqueue.cli.process_title import hide_passwords
from pgqueue.core.errors import (
    AccessDenied,
    DatabaseUnreachable,
    EmbeddedUnavailable,
    JobGone,
    NoDatabase,
    PgqueueError,
    SchemaMismatch,
    WrongStatus,
)
from pgqueue.store.faults import PASSING

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_DATABASE: Final = 3

_DATABASE = (AccessDenied, DatabaseUnreachable, EmbeddedUnavailable, NoDatabase, SchemaMismatch)
_WORK = (JobGone, WrongStatus)

app = typer.Typer(
    name="pgqueue",
    help="A task queue that lives in PostgreSQL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
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
    return code if isinstance(code, int) else 0


def entry() -> None:
    """The console script."""
    sys.exit(main())
