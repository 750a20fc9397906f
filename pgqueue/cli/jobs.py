"""`pgqueue jobs`: list, show, retry and cancel."""

import json
from typing import Annotated, Any, Final

import typer

from pgqueue.cli.database import place
from pgqueue.cli.options import AsJson, SchemaName, Url
from pgqueue.cli.output import console, print_json, print_rows, shown
from pgqueue.cli.redaction import Redaction
from pgqueue.client.client import Client
from pgqueue.core.errors import InvalidOption
from pgqueue.core.job import Job

app = typer.Typer(help="Look at jobs, and steer them.", no_args_is_help=True)

Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", show_default=False)]
Status = Annotated[str | None, typer.Option(help="For example failed.")]
TaskName = Annotated[str | None, typer.Option("--task", help="`*` stands for anything.")]
QueueName = Annotated[str | None, typer.Option("--queue", help="`mail/` takes sub-queues.")]
WorkerId = Annotated[int | None, typer.Option("--worker", help="A worker's id.")]
ArgsJson = Annotated[str | None, typer.Option("--args", help="JSON that the arguments contain.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")]

_SHOWN: Final = (
    *("id", "task", "args", "queue", "status", "executor", "priority", "tags"),
    *("attempt", "failure_count", "lost_count", "max_attempts", "worker_id"),
    *("created_at", "run_at", "started_at", "finished_at", "progress", "result", "error"),
)
_JOBS_MAX: Final = 100_000


@app.command("list")
def list_(
    status: Status = None,
    task: TaskName = None,
    queue: QueueName = None,
    worker: WorkerId = None,
    args: ArgsJson = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """List jobs, newest first."""
    filters = _filters(status, task, queue, worker, args)
    with place({"url": url, "schema": schema}) as here, here.client() as client:
        found = list(map(Redaction(client), client.jobs(limit=limit, **filters)))
    if as_json:
        print_json(found)
    else:
        _print(found)
    return 0


@app.command()
def show(
    id: Annotated[int, typer.Argument(help="The job's id.")],
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Show one job: its row, its attempts with their tracebacks, its last log lines."""
    with place({"url": url, "schema": schema}) as here, here.client() as client:
        job = Redaction(client)(client.job(id))
        attempts = client.attempts(id)
        lines = client.logs(id)
    if as_json:
        print_json({"job": job, "attempts": attempts, "logs": lines})
        return 0
    for name in _SHOWN:
        value = getattr(job, name)
        if value not in (None, (), ""):
            console.print(f"{name:<14} {shown(value)}", markup=False)
    for attempt in attempts:
        console.print(
            f"\nattempt {attempt.attempt}: {attempt.outcome.value}, worker {attempt.worker_id}, "
            f"{shown(attempt.started_at)} to {shown(attempt.finished_at)}",
            markup=False,
        )
        report = attempt.traceback or attempt.error_message
        if report:
            console.print(shown(report), markup=False)
    for line in lines[-50:]:
        text = f"{shown(line.logged_at)} {line.level:<7} {shown(line.message)}"
        console.print(text, markup=False)
    return 0


@app.command()
def retry(
    ids: Ids = None,
    status: Status = None,
    task: TaskName = None,
    queue: QueueName = None,
    worker: WorkerId = None,
    args: ArgsJson = None,
    dry_run: DryRun = False,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Queue finished or scheduled jobs again, by id or by filter."""
    filters = _filters(status, task, queue, worker, args)
    with place({"url": url, "schema": schema}) as here, here.client() as client:
        return _steer(client, "retry", ids, filters, dry_run=dry_run, as_json=as_json)


@app.command()
def cancel(
    ids: Ids = None,
    status: Status = None,
    task: TaskName = None,
    queue: QueueName = None,
    worker: WorkerId = None,
    args: ArgsJson = None,
    dry_run: DryRun = False,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Cancel jobs, by id or by filter; a running one is told to stop."""
    filters = _filters(status, task, queue, worker, args)
    with place({"url": url, "schema": schema}) as here, here.client() as client:
        return _steer(client, "cancel", ids, filters, dry_run=dry_run, as_json=as_json)


def _steer(
    client: Client,
    verb: str,
    ids: list[int] | None,
    filters: dict[str, Any],
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    if not ids and not filters:
        reason = f"name the jobs to {verb} by id, or by a filter such as --status failed."
        raise InvalidOption("jobs", None, reason)
    chosen: dict[str, Any] = {"ids": ids} if ids else {}
    if dry_run:
        jobs = client.jobs(limit=_JOBS_MAX, **chosen, **filters)
        found = list(map(Redaction(client), jobs))
        print_json(found) if as_json else _print(found)
        return 0
    done = getattr(client, verb)(*([ids] if ids else []), **filters)
    if as_json:
        print_json(done)
    else:
        for job_id, status in done.items():
            console.print(f"{job_id} {status.value if status else 'left as it was'}", markup=False)
        if not done:
            console.print("nothing found")
    return 0 if all(done.values()) else 1


def _filters(
    status: str | None, task: str | None, queue: str | None, worker: int | None, args: str | None
) -> dict[str, Any]:
    told: dict[str, Any] = {"status": status, "task": task, "queue": queue, "worker": worker}
    if args is not None:
        try:
            told["args"] = json.loads(args)
        except ValueError as error:
            raise InvalidOption("--args", args, f"it is no JSON: {error}.") from error
    return {name: value for name, value in told.items() if value is not None}


def _print(found: list[Job]) -> None:
    print_rows(
        ["id", "status", "task", "queue", "attempt", "created", "error"],
        (
            (job.id, job.status, job.task, job.queue, job.attempt, job.created_at, job.error)
            for job in found
        ),
    )
