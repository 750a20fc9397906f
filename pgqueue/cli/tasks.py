"""`pgqueue tasks`: what workers recorded of the tasks they loaded."""

import difflib
import sys
from typing import Annotated

import typer

from pgqueue.cli.options import AsJson, SchemaName, Url
from pgqueue.cli.output import console, print_json, print_rows, shown
from pgqueue.cli.target import target
from pgqueue.core.exit_codes import EXIT_USAGE

app = typer.Typer(
    name="tasks",
    help="See the tasks that workers recorded.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def list_(url: Url = None, schema: SchemaName = None, as_json: AsJson = False) -> int:
    """List the tasks."""
    with target({"url": url, "schema": schema}) as here, here.client() as client:
        found = client.tasks()
    if as_json:
        print_json(found)
    else:
        print_rows(
            ["name", "signature", "executor", "queue"],
            (
                (each.name, each.signature, each.options.get("executor"), each.options.get("queue"))
                for each in found
            ),
        )
    return 0


@app.command()
def unknown(url: Url = None, schema: SchemaName = None, as_json: AsJson = False) -> int:
    """List the tasks that have waiting jobs and that no live worker knows."""
    with target({"url": url, "schema": schema}) as here, here.client() as client:
        found = client.unknown_tasks()
        is_anybody_there = bool(client.workers.list(limit=1))
    if as_json:
        print_json(found)
    else:
        print_rows(
            ["task", "queue", "jobs", "no worker knows it since"],
            ((each.task, each.queue, each.job_count, each.unknown_since) for each in found),
        )
    if not is_anybody_there:
        print(
            "No worker runs, so every job waits. One tells what it does not know.", file=sys.stderr
        )
    return 0


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The task's name.")],
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Show one task: signature, docstring, options."""
    with target({"url": url, "schema": schema}) as here, here.client() as client:
        found = client.task(name)
        known = [] if found else [each.name for each in client.tasks()]
    if found is None:
        near = difflib.get_close_matches(name, known, n=1)
        advice = f"Did you mean {near[0]!r}?" if near else "`pgqueue tasks list` prints all."
        print(f"No worker has recorded a task named {name!r}. {advice}", file=sys.stderr)
        return EXIT_USAGE
    if as_json:
        print_json(found)
        return 0
    console.print(shown(found.signature), markup=False)
    if found.docstring:
        console.print(f"\n{shown(found.docstring)}\n", markup=False)
    for option, value in found.options.items():
        console.print(f"{option:<22} {shown(value)}", markup=False)
    return 0
