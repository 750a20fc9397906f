"""`pgqueue logs`: what a job logged, and what it goes on logging."""

import time
from collections.abc import Iterator
from typing import Annotated

import typer

from pgqueue.cli.options import AsJson, SchemaName, Url
from pgqueue.cli.output import line, print_json, print_json_line
from pgqueue.cli.target import target
from pgqueue.client.client import Client
from pgqueue.core.job import LogLine

_LOOK_SECONDS = 0.5


def logs(
    id: Annotated[int, typer.Argument(help="The job's id.")],
    follow: Annotated[bool, typer.Option(help="Go on until the job is final.")] = False,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Print a job's log lines; with --follow as they come, each a JSON document with --json."""
    with target({"url": url, "schema": schema}) as here, here.client() as client:
        found = _lines(client, id, follow=follow)
        if as_json and not follow:
            print_json(list(found))
            return 0
        for each in found:
            print_json_line(each) if as_json else print(line(each), flush=True)
    return 0


def _lines(client: Client, job_id: int, *, follow: bool) -> Iterator[LogLine]:
    after = 0
    while True:
        # The status is read first: lines written before it was final are all seen.
        is_final = client.job(job_id).status.is_final
        while lines := client.logs(job_id, after):
            after = lines[-1].id
            yield from lines
        if is_final or not follow:
            return
        time.sleep(_LOOK_SECONDS)
