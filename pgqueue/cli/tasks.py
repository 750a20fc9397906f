"""`pgqueue tasks`: what workers recorded, or what the modules given here define."""

import difflib
from typing import Annotated, Any, Final

import typer

from pgqueue.cli import output
from pgqueue.cli.database import place, read_settings
from pgqueue.cli.options import AsJson, Modules, Schema, Url, joined
from pgqueue.core.errors import UnknownTask
from pgqueue.tasks import loading

app = typer.Typer(no_args_is_help=True, help="List and show tasks.")

_COLUMNS: Final = ("name", "queue", "executor", "signature")


@app.command("list")
def list_tasks(
    tasks: Modules = None, as_json: AsJson = False, url: Url = None, schema: Schema = None
) -> None:
    """List the tasks that workers recorded; with --tasks, those of these modules."""
    rows = _rows(joined(tasks), url, schema)
    if not as_json:
        rows = [{**row["options"], **row} for row in rows]
    output.print_rows(_COLUMNS, rows, as_json=as_json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="TASK", help="Canonical path or alias.")],
    tasks: Modules = None,
    as_json: AsJson = False,
    url: Url = None,
    schema: Schema = None,
) -> None:
    """Show a task's signature, docstring and options."""
    rows = _rows(joined(tasks), url, schema)
    row = next((row for row in rows if name == row["name"]), None)
    row = row or next((row for row in rows if name in row["aliases"]), None)
    if row is None:
        close = difflib.get_close_matches(name, [row["name"] for row in rows], 1)
        raise UnknownTask(name, close[0] if close else None)
    if as_json:
        output.print_json(row)
        return
    print(output.printable(row["signature"]))
    if row["docstring"]:
        print(f"\n{output.printable_lines(row['docstring'])}")
    print()
    output.print_fields({"aliases": tuple(row["aliases"]), **row["options"]})


def _rows(tasks: str | None, url: str | None, schema: str | None) -> list[dict[str, Any]]:
    flags = {"tasks": tasks, "url": url, "schema": schema}
    if tasks is not None:
        return [task.describe() for task in loading.load(read_settings(flags).tasks)]
    with place(flags) as found:
        return [output.record(each) for each in found.client().tasks()]
