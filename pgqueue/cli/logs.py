"""`pgqueue logs`: what a job's attempts logged, and what they go on to log."""

import json
import time
from typing import Annotated, Final

import typer

from pgqueue.cli.database import place
from pgqueue.cli.jobs import Id, all_lines, log_text
from pgqueue.cli.options import AsJson, Schema, Url
from pgqueue.cli.output import print_json, record

_POLL_SECONDS: Final = 0.5


def logs(
    job_id: Id,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Go on until the job is final; JSON a line then."),
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
    schema: Schema = None,
) -> None:
    """Print what a job logged, oldest first."""
    with place({"url": url, "schema": schema}) as found:
        client = found.client()
        client.job(job_id)  # says so when there is none
        if as_json and not follow:
            print_json([record(line) for line in all_lines(client, job_id)])
            return
        seen = 0
        while True:
            # Asked first: lines are written before the end of their attempt is.
            is_over = not follow or client.job(job_id).status.is_final
            for line in all_lines(client, job_id, seen):
                seen = line.id
                row = record(line)
                text = json.dumps(row, ensure_ascii=False, default=str)
                print(text if as_json else log_text(row), flush=True)
            if is_over:
                return
            time.sleep(_POLL_SECONDS)
