"""`pgqueue jobs`: list, show, retry and cancel jobs, by id or by filters."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from pgqueue.cli import exits, output
from pgqueue.cli.arguments import parse_object
from pgqueue.cli.database import place
from pgqueue.cli.options import AsJson, DryRun, Schema, Url
from pgqueue.cli.redaction import Redaction
from pgqueue.core.errors import InvalidOption
from pgqueue.core.job_filters import JobFilters
from pgqueue.core.lifecycle import FINAL, JobStatus

if TYPE_CHECKING:
    from pgqueue.client.client import Client
    from pgqueue.core.job import Job

app = typer.Typer(no_args_is_help=True, help="List, show, retry and cancel jobs.")

Ids: TypeAlias = Annotated[
    list[int] | None, typer.Argument(metavar="[ID]...", help="Any of these jobs.")
]
Id: TypeAlias = Annotated[int, typer.Argument(metavar="ID", help="The job.")]
Status: TypeAlias = Annotated[
    list[str] | None, typer.Option(help="Jobs of this status; repeat it, or put commas.")
]
OfTask: TypeAlias = Annotated[
    str | None, typer.Option("--task", help="Jobs of this task; * stands for any characters.")
]
Queue: TypeAlias = Annotated[
    str | None, typer.Option(help="Jobs of this queue; mail/ takes its sub-queues.")
]
Worker: TypeAlias = Annotated[
    int | None, typer.Option(help="Jobs that this worker holds or last held.")
]
Args: TypeAlias = Annotated[
    str | None, typer.Option(metavar="JSON", help="Jobs with these arguments, among others.")
]

_COLUMNS: Final = ("id", "status", "task", "queue", "attempt", "created_at", "error")
_LOG_LINES_SHOWN: Final = 20
_JOBS_MAX: Final = 100_000
_RETRYABLE: Final = frozenset({*FINAL, JobStatus.SCHEDULED})


@app.command("list")
def list_jobs(
    ids: Ids = None,
    *,
    status: Status = None,
    task: OfTask = None,
    queue: Queue = None,
    worker: Worker = None,
    args: Args = None,
    limit: Annotated[int, typer.Option(help="The newest so many.")] = 100,
    as_json: AsJson = False,
    url: Url = None,
    schema: Schema = None,
) -> None:
    """List jobs, newest first."""
    filters = _filters(status, task, queue, worker, args)
    with place({"url": url, "schema": schema}) as found:
        client = found.client()
        redaction = Redaction(client)
        rows = [
            redaction.record(job) for job in client.jobs(limit=limit, ids=ids or None, **filters)
        ]
    if not as_json:
        rows = [{**row, "error": _first_line(row["error"])} for row in rows]
    output.print_rows(_COLUMNS, rows, as_json=as_json)


@app.command()
def show(job_id: Id, as_json: AsJson = False, url: Url = None, schema: Schema = None) -> None:
    """Show a job: its row, its attempts with their tracebacks, its last log lines."""
    with place({"url": url, "schema": schema}) as found:
        client = found.client()
        row = Redaction(client).record(client.job(job_id))
        attempts = [output.record(each) for each in client.attempts(job_id)]
        lines = [output.record(each) for each in all_lines(client, job_id)[-_LOG_LINES_SHOWN:]]
    if as_json:
        output.print_json({**row, "attempts": attempts, "logs": lines})
        return
    output.print_fields(row)
    for each in attempts:
        print(f"\nattempt {each['attempt']}: {each['outcome']} on worker {each['worker_id']}")
        what = each["traceback"] or each["error_message"]
        if what:
            print(output.printable_lines(what.rstrip()))
    if lines:
        print("\nlast log lines")
        for each in lines:
            print(log_text(each))


@app.command()
def retry(
    ids: Ids = None,
    *,
    status: Status = None,
    task: OfTask = None,
    queue: Queue = None,
    worker: Worker = None,
    args: Args = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    url: Url = None,
    schema: Schema = None,
) -> None:
    """Queue final or scheduled jobs again, due at once, with their charges forgotten."""
    filters = _filters(status, task, queue, worker, args)
    with place({"url": url, "schema": schema}) as found:
        _steer(found.client(), "retry", ids, filters, dry_run=dry_run, as_json=as_json)


@app.command()
def cancel(
    ids: Ids = None,
    *,
    status: Status = None,
    task: OfTask = None,
    queue: Queue = None,
    worker: Worker = None,
    args: Args = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    url: Url = None,
    schema: Schema = None,
) -> None:
    """Cancel jobs: waiting ones at once, running ones by asking their worker."""
    filters = _filters(status, task, queue, worker, args)
    with place({"url": url, "schema": schema}) as found:
        _steer(found.client(), "cancel", ids, filters, dry_run=dry_run, as_json=as_json)


def all_lines(client: "Client", job_id: int, after: int = 0) -> "list[Any]":
    """Every log line of a job after one, oldest first, however many there are."""
    lines: list[Any] = []
    while more := client.logs(job_id, after):
        lines += more
        after = more[-1].id
    return lines


def log_text(line: Mapping[str, Any]) -> str:
    """A log line for a person."""
    at = output.cell(line["logged_at"])
    text = output.printable_lines(line["message"])
    return f"{at} {line['attempt']} {line['level']:<7} {text}"


def _steer(
    client: "Client",
    verb: str,
    ids: Sequence[int] | None,
    filters: JobFilters,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    if not ids and not filters:
        raise InvalidOption("ids", None, f"say which jobs to {verb}, by id or by a filter.")
    if dry_run:
        found = client.jobs(limit=_JOBS_MAX, ids=ids or None, **filters)
        rows = [
            {"id": job.id, "task": job.task, "status": job.status, "would": _would(verb, job)}
            for job in found
        ]
        output.print_rows(("id", "task", "status", "would"), rows, as_json=as_json)
        missing = sorted(set(ids or ()) - {job.id for job in found})
    else:
        ask = client.retry if verb == "retry" else client.cancel
        statuses = ask(ids or None, **filters)
        rows = [{"id": job_id, "status": now} for job_id, now in statuses.items() if now]
        output.print_rows(("id", "status"), rows, as_json=as_json)
        missing = sorted(set(ids or ()) - {row["id"] for row in rows})
    if missing:
        # Who names a job means that one, so a job that was left alone is a failure.
        named = ", ".join(map(str, missing))
        exits.say(f"Error: {_LEFT_ALONE[verb]} Left alone: {named}. See `pgqueue jobs show ID`.")
        raise typer.Exit(exits.FAILED)


_LEFT_ALONE: Final = {
    "retry": "Only a final or scheduled job that exists can be queued again.",
    "cancel": "Only a job that exists and is not final can be cancelled.",
}


def _would(verb: str, job: "Job") -> str:
    is_open = job.status in _RETRYABLE if verb == "retry" else not job.status.is_final
    return verb if is_open else "leave alone"


def _filters(
    status: Sequence[str] | None,
    task: str | None,
    queue: str | None,
    worker: int | None,
    args: str | None,
) -> JobFilters:
    filters: JobFilters = {}
    if status:
        filters["status"] = [each for many in status for each in many.split(",")]
    if task is not None:
        filters["task"] = task
    if queue is not None:
        filters["queue"] = queue
    if worker is not None:
        filters["worker"] = worker
    if args is not None:
        filters["args"] = parse_object(args)
    return filters


def _first_line(text: str | None) -> str | None:
    return text.strip().partition("\n")[0] if text else None
