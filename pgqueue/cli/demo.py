"""`pgqueue demo`: the whole path on real input, shown while it runs and checked at its end."""

import itertools

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pgqueue.cli.options import AsJson, SchemaName, Url
from pgqueue.cli.output import console, plain, print_json, print_rows
from pgqueue.cli.target import target


def demo(url: Url = None, schema: SchemaName = None, as_json: AsJson = False) -> int:
    """Fetch, parse and measure Python's own sources; kill a worker; check every number."""
    from pgqueue.demo.run import Report, Run  # psycopg and the demo's tasks

    with target({"url": url, "schema": schema}, migrate_embedded=True) as here:
        demo_run = Run(here.database.url, here.database.schema.name)
        try:
            _show(demo_run, quiet=as_json)
            report: Report = demo_run.check()
            answers = list(demo_run.answers())
        finally:
            demo_run.close()
    if as_json:
        print_json({**plain(report), "jobs_per_second": report.jobs_per_second})
        return 1 if report.problems else 0
    for title, sql, names, rows in answers:
        console.print(f"\n[bold]{title}[/bold]\n")
        console.print(sql, markup=False, style="dim")
        console.print()
        print_rows(names, rows)
    _tell(report)
    return 1 if report.problems else 0


def _show(demo_run, *, quiet: bool) -> None:  # type: ignore[no-untyped-def]
    columns = TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=quiet) as display:
        enqueueing = display.add_task("enqueue", total=None)
        count = 0
        for count in demo_run.enqueue():
            display.update(enqueueing, completed=count)
        display.update(enqueueing, total=count)
        fetching = display.add_task("fetch", total=None)
        measuring = display.add_task("measure", total=None)
        is_told = itertools.count()
        for snapshot in demo_run.work():
            done = snapshot.measured_count + snapshot.failed_count
            total = snapshot.file_count
            display.update(fetching, completed=snapshot.fetched_count, total=total)
            display.update(measuring, completed=done, total=total)
            if snapshot.is_killed and next(is_told) == 0:
                display.console.print("killed one worker with SIGKILL, in mid-job")


def _tell(report) -> None:  # type: ignore[no-untyped-def]
    console.print("\n[bold]Report[/bold]\n")
    for text, number in (
        ("files whose row and job were committed together", report.file_count),
        ("transactions rolled back on purpose, neither row nor job", report.rolled_back_count),
        ("jobs, two for each file (fetch, measure)", report.job_count),
        ("files measured exactly once", report.measured_count),
        ("files that do not parse, failed after two attempts each", report.failed_count),
        ("attempts lost with the killed worker, and run again", report.lost_attempt_count),
    ):
        console.print(f"{number:>7}  {text}", markup=False)
    console.print(f"{report.jobs_per_second:>7.0f}  jobs a second, from first to last")
    for problem in report.problems[:20]:
        console.print(f"PROBLEM  {problem}", markup=False, style="red")
    if not report.problems:
        console.print("\nnone lost, none twice: every number agrees with the application's rows")
