"""`pgqueue logs`: the log lines of a job, also while it runs."""

import time
from collections.abc import Iterator
from typing import Annotated

import typer

from pgqueue.cli.options import AsJson, SchemaName, Url
from pgqueue.cli.output import log_line, print_json, print_json_line
from pgqueue.cli.target import command_client
from pgqueue.client.client import Client
from pgqueue.core.job import LogLine

_POLL_SECONDS = 0.5


def logs(
    id: Annotated[int, typer.Argument(help="The job's id.")],
    follow: Annotated[
        bool, typer.Option(help="Print new lines as they come, until the job is final.")
    ] = False,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Print a job's log lines; with --follow and --json, each line is one JSON document."""
    with command_client({"url": url, "schema": schema}) as client:
        lines = _lines(client, id, follow=follow)
        if as_json and not follow:
            print_json(list(lines))
            return 0
        for line in lines:
            print_json_line(line) if as_json else print(log_line(line), flush=True)
    return 0


def _lines(client: Client, job_id: int, *, follow: bool) -> Iterator[LogLine]:
    after = 0
    while True:
        # Read the status first, so that no line is missed that was written before the job ended.
        is_final = client.job(job_id).status.is_final
        while lines := client.logs(job_id, after):
            after = lines[-1].id
            yield from lines
        if is_final or not follow:
            return
        time.sleep(_POLL_SECONDS)
