"""`pgqueue jobs`: list, show, retry and cancel."""

import sys
from typing import Annotated, Final

import typer

from pgqueue.cli.filters import Chosen, takes_filters
from pgqueue.cli.options import AsJson, SchemaName, Url
from pgqueue.cli.output import console, line, plain, print_json, print_rows, shown
from pgqueue.cli.redaction import Redaction
from pgqueue.cli.steering import is_only_named, outlook, result
from pgqueue.cli.target import target
from pgqueue.client.client import Client
from pgqueue.core.exit_codes import EXIT_USAGE
from pgqueue.core.job import Job
from pgqueue.core.lifecycle import JobStatus

app = typer.Typer(
    name="jobs",
    help="Look at jobs, and steer them.",
    no_args_is_help=True,
    add_completion=False,
)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")]

_SHOWN: Final = (
    *("id", "task", "args", "queue", "status", "executor", "priority", "tags"),
    *("attempt", "failure_count", "lost_count", "max_attempts", "worker_id"),
    *("created_at", "run_at", "started_at", "finished_at", "progress", "result", "error"),
)
_COLUMNS: Final = ("id", "status", "task", "queue", "attempt", "created", "error")
_JOBS_MAX: Final = 100_000


@app.command("list")
@takes_filters
def list_(
    chosen: Chosen,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """List jobs, newest first."""
    with target({"url": url, "schema": schema}) as here, here.client() as client:
        found = list(map(Redaction(client), client.jobs(limit=limit, **chosen)))
    if as_json:
        print_json(found)
    else:
        print_rows(_COLUMNS, map(_row, found))
    return 0


@app.command()
def show(
    id: Annotated[int, typer.Argument(help="The job's id.")],
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Show one job: its row, its attempts with their tracebacks, its last log lines."""
    with target({"url": url, "schema": schema}) as here, here.client() as client:
        job = Redaction(client)(client.job(id))
        attempts = client.attempts(id)
        lines = client.last_logs(id)
        unknown = client.unknown_tasks() if job.status is JobStatus.QUEUED else []
    if as_json:
        print_json({"job": job, "attempts": attempts, "logs": lines})
        return 0
    for name in _SHOWN:
        value = getattr(job, name)
        if value not in (None, (), ""):
            console.print(f"{name:<14} {shown(value)}", markup=False)
    for told in unknown:
        if (told.task, told.queue) == (job.task, job.queue):
            since = shown(told.unknown_since)
            console.print(f"{'waits':<14} no worker knows its task since {since}")
    for attempt in attempts:
        console.print(
            f"\nattempt {attempt.attempt}: {attempt.outcome.value}, worker {attempt.worker_id}, "
            f"{shown(attempt.started_at)} to {shown(attempt.finished_at)}",
            markup=False,
        )
        report = attempt.traceback or attempt.error_message
        if report:
            console.print(shown(report), markup=False)
    for each in lines:
        console.print(line(each), markup=False)
    return 0


@app.command()
@takes_filters
def retry(
    chosen: Chosen,
    dry_run: DryRun = False,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Queue finished or scheduled jobs again, by id or by filter."""
    with target({"url": url, "schema": schema}) as here, here.client() as client:
        return _steer(client, "retry", chosen, dry_run=dry_run, as_json=as_json)


@app.command()
@takes_filters
def cancel(
    chosen: Chosen,
    dry_run: DryRun = False,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Cancel jobs, by id or by filter; a running one is told to stop."""
    with target({"url": url, "schema": schema}) as here, here.client() as client:
        return _steer(client, "cancel", chosen, dry_run=dry_run, as_json=as_json)


def _steer(client: Client, verb: str, chosen: Chosen, *, dry_run: bool, as_json: bool) -> int:
    if not chosen:
        reason = f"Name the jobs to {verb} by id, or by a filter such as --status failed."
        print(reason, file=sys.stderr)
        return EXIT_USAGE
    if dry_run:
        found = list(map(Redaction(client), client.jobs(limit=_JOBS_MAX, **chosen)))
        told = [outlook(verb, job, is_named="ids" in chosen) for job in found]
        if as_json:
            pairs = zip(found, told, strict=True)
            print_json([{**plain(job), "outlook": each} for job, each in pairs])
        else:
            rows = ([*_row(job), each] for job, each in zip(found, told, strict=True))
            print_rows([*_COLUMNS, "would be"], rows)
        return 0
    passed_over = _passed_over(client, verb, chosen)
    done: dict[int, JobStatus | None] = getattr(client, verb)(**chosen)
    if as_json:
        print_json(done)
    else:
        _tell(client, verb, done)
        for job in passed_over:
            console.print(f"{job.id} {outlook(verb, job, is_named=False)}", markup=False)
        if not (done or passed_over):
            console.print("nothing found")
    return 0 if all(done.values()) else 1


def _tell(client: Client, verb: str, done: dict[int, JobStatus | None]) -> None:
    left = [job_id for job_id, status in done.items() if status is None]
    found = {job.id: job for job in client.jobs(ids=left, limit=_JOBS_MAX)} if left else {}
    for job_id, status in done.items():
        console.print(f"{job_id} {result(verb, status, found.get(job_id))}", markup=False)


def _passed_over(client: Client, verb: str, chosen: Chosen) -> list[Job]:
    """What a retry by filter finds and leaves: only a person who names it may start it again."""
    if verb != "retry" or "ids" in chosen:
        return []
    found = client.jobs(limit=_JOBS_MAX, **chosen)
    return [job for job in found if is_only_named(job)]


def _row(job: Job) -> list[object]:
    return [job.id, job.status, job.task, job.queue, job.attempt, job.created_at, job.error]
