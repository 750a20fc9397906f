"""`pgqueue tasks`: the tasks that workers recorded when they loaded them."""

import sys
from typing import Annotated

import typer

from pgqueue.cli.options import AsJson, SchemaName, Url
from pgqueue.cli.output import console, for_person, print_json, print_rows
from pgqueue.cli.target import command_client
from pgqueue.core.exit_codes import EXIT_USAGE
from pgqueue.core.similar_name import similar_name

app = typer.Typer(
    name="tasks",
    help="List and show the tasks that workers recorded.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def list_(url: Url = None, schema: SchemaName = None, as_json: AsJson = False) -> int:
    """List the tasks."""
    with command_client({"url": url, "schema": schema}) as client:
        tasks = client.tasks()
    if as_json:
        print_json(tasks)
    else:
        print_rows(
            ["name", "signature", "executor", "queue"],
            (
                (task.name, task.signature, task.options.get("executor"), task.options.get("queue"))
                for task in tasks
            ),
        )
    return 0


@app.command()
def unknown(url: Url = None, schema: SchemaName = None, as_json: AsJson = False) -> int:
    """List the tasks that have queued jobs and that no live worker knows."""
    with command_client({"url": url, "schema": schema}) as client:
        tasks = client.unknown_tasks()
        has_workers = bool(client.workers.list(limit=1))
    if as_json:
        print_json(tasks)
    else:
        print_rows(
            ["task", "queue", "jobs", "no worker knows it since"],
            ((task.task, task.queue, task.job_count, task.unknown_since) for task in tasks),
        )
    if not has_workers:
        print(
            "No worker runs, so every job waits. Unknown tasks are listed once a worker runs.",
            file=sys.stderr,
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
    with command_client({"url": url, "schema": schema}) as client:
        task = client.task(name)
        known = [] if task else [record.name for record in client.tasks()]
    if task is None:
        similar = similar_name(name, known)
        advice = f"Did you mean {similar!r}?" if similar else "`pgqueue tasks list` prints all."
        print(f"No worker has recorded a task named {name!r}. {advice}", file=sys.stderr)
        return EXIT_USAGE
    if as_json:
        print_json(task)
        return 0
    console.print(for_person(task.signature), markup=False)
    if task.docstring:
        console.print(f"\n{for_person(task.docstring)}\n", markup=False)
    for option, value in task.options.items():
        console.print(f"{option:<22} {for_person(value)}", markup=False)
    return 0
