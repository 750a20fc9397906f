"""`pgqueue jobs`: list, show, retry and cancel."""

import sys
from collections.abc import Callable
from typing import Annotated, Final

import typer

from pgqueue.cli.action_texts import LOCKED, effect, expected_effect, must_be_named
from pgqueue.cli.filters import Selection, takes_filters
from pgqueue.cli.options import AsJson, SchemaName, Url
from pgqueue.cli.output import console, for_person, log_line, plain, print_json, print_rows
from pgqueue.cli.target import command_client
from pgqueue.client.client import Client
from pgqueue.core.exit_codes import EXIT_USAGE
from pgqueue.core.job import Attempt, Job, JobStatuses
from pgqueue.core.lifecycle import JobStatus
from pgqueue.runtime.redaction import Redaction

app = typer.Typer(
    name="jobs",
    help="List and show jobs, retry and cancel them.",
    no_args_is_help=True,
    add_completion=False,
)

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the effect on each job; change nothing.")
]

_FIELDS: Final = (
    *("id", "task", "args", "queue", "status", "executor", "priority", "tags"),
    *("attempt", "failure_count", "lost_count", "max_attempts", "worker_id"),
    *("created_at", "run_at", "started_at", "finished_at", "progress", "result", "error"),
)
_COLUMNS: Final = ("id", "status", "task", "queue", "attempt", "created", "error")
_JOBS_MAX: Final = 100_000


@app.command("list")
@takes_filters
def list_(
    selection: Selection,
    limit: Annotated[int, typer.Option(help="Print at most this many jobs.")] = 50,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """List jobs, newest first."""
    with command_client({"url": url, "schema": schema}) as client:
        jobs = list(map(Redaction(client), client.jobs(limit=limit, **selection)))
    if as_json:
        print_json(jobs)
    else:
        print_rows(_COLUMNS, map(_row, jobs))
    return 0


@app.command()
def show(
    id: Annotated[int, typer.Argument(help="The job's id.")],
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Show one job: its row, its attempts with their tracebacks, its last log lines."""
    with command_client({"url": url, "schema": schema}) as client:
        job = Redaction(client)(client.job(id))
        attempts = client.attempts(id)
        lines = client.last_logs(id)
        unknown_tasks = client.unknown_tasks() if job.status is JobStatus.QUEUED else []
    if as_json:
        print_json({"job": job, "attempts": attempts, "logs": lines})
        return 0
    for name in _FIELDS:
        value = getattr(job, name)
        if value not in (None, (), ""):
            console.print(f"{name:<14} {for_person(value)}", markup=False)
    for unknown in unknown_tasks:
        if (unknown.task, unknown.queue) == (job.task, job.queue):
            since = for_person(unknown.unknown_since)
            console.print(f"{'waits':<14} no worker knows its task since {since}")
    for attempt in attempts:
        _print_attempt(attempt)
    for line in lines:
        console.print(log_line(line), markup=False)
    return 0


@app.command()
@takes_filters
def retry(
    selection: Selection,
    dry_run: DryRun = False,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Queue finished or scheduled jobs again, by id or by filter."""
    with command_client({"url": url, "schema": schema}) as client:
        return _act(client, "retry", selection, dry_run=dry_run, as_json=as_json)


@app.command()
@takes_filters
def cancel(
    selection: Selection,
    dry_run: DryRun = False,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Cancel jobs, by id or by filter; the worker of a running job is asked to stop it."""
    with command_client({"url": url, "schema": schema}) as client:
        return _act(client, "cancel", selection, dry_run=dry_run, as_json=as_json)


def _act(client: Client, verb: str, selection: Selection, *, dry_run: bool, as_json: bool) -> int:
    if not selection:
        message = f"Name the jobs to {verb} by id, or by a filter such as --status failed."
        print(message, file=sys.stderr)
        return EXIT_USAGE
    if dry_run:
        _print_expected_effects(client, verb, selection, as_json=as_json)
        return 0
    skipped = _jobs_to_name(client, selection) if verb == "retry" else []
    action: Callable[..., JobStatuses] = getattr(client, verb)
    statuses = action(**selection)
    if as_json:
        print_json({**statuses, **dict.fromkeys(statuses.locked, "locked")})
    else:
        _print_effects(client, verb, statuses)
        for job in skipped:
            console.print(f"{job.id} {expected_effect(verb, job, is_named=False)}", markup=False)
        if not (statuses or skipped):
            console.print("nothing found")
    return 0 if all(statuses.values()) else 1


def _print_expected_effects(
    client: Client, verb: str, selection: Selection, *, as_json: bool
) -> None:
    jobs = map(Redaction(client), client.jobs(limit=_JOBS_MAX, **selection))
    is_named = "ids" in selection
    effects = [(job, expected_effect(verb, job, is_named=is_named)) for job in jobs]
    if as_json:
        print_json([{**plain(job), "outlook": text} for job, text in effects])
    else:
        print_rows([*_COLUMNS, "would be"], ([*_row(job), text] for job, text in effects))


def _print_effects(client: Client, verb: str, statuses: JobStatuses) -> None:
    unchanged = [job_id for job_id, status in statuses.items() if status is None]
    jobs = {job.id: job for job in client.jobs(ids=unchanged, limit=_JOBS_MAX)} if unchanged else {}
    for job_id, status in statuses.items():
        is_locked = job_id in statuses.locked
        text = LOCKED if is_locked else effect(verb, status, jobs.get(job_id))
        console.print(f"{job_id} {text}", markup=False)


def _jobs_to_name(client: Client, selection: Selection) -> list[Job]:
    """The jobs that a retry by this filter leaves alone, because a person must name them."""
    if "ids" in selection:
        return []
    return [job for job in client.jobs(limit=_JOBS_MAX, **selection) if must_be_named(job)]


def _print_attempt(attempt: Attempt) -> None:
    console.print(
        f"\nattempt {attempt.attempt}: {attempt.outcome.value}, worker {attempt.worker_id}, "
        f"{for_person(attempt.started_at)} to {for_person(attempt.finished_at)}",
        markup=False,
    )
    report = attempt.traceback or attempt.error_message
    if report:
        console.print(for_person(report), markup=False)


def _row(job: Job) -> list[object]:
    return [job.id, job.status, job.task, job.queue, job.attempt, job.created_at, job.error]
