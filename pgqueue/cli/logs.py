"""`pgqueue logs`: what a job logged, and what it goes on logging."""

import time
from typing import Annotated

import typer

from pgqueue.cli.database import place
from pgqueue.cli.options import AsJson, SchemaName, Url
from pgqueue.cli.output import print_json, shown
from pgqueue.core.job import LogLine

_LOOK_SECONDS = 0.5


def logs(
    id: Annotated[int, typer.Argument(help="The job's id.")],
    follow: Annotated[bool, typer.Option(help="Go on until the job is final.")] = False,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Print a job's log lines."""
    with place({"url": url, "schema": schema}) as here, here.client() as client:
        after = 0
        kept: list[LogLine] = []
        while True:
            # The status is read first: lines written before it was final are all seen.
            is_final = client.job(id).status.is_final
            while lines := client.logs(id, after):
                after = lines[-1].id
                if as_json:
                    kept += lines
                else:
                    for line in lines:
                        print(f"{shown(line.logged_at)} {line.level:<7} {shown(line.message)}")
            if is_final or not follow:
                break
            time.sleep(_LOOK_SECONDS)
    if as_json:
        print_json(kept)
    return 0
