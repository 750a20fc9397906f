"""`pgqueue demo`: jobs on real input, with their progress, and with every number checked."""

from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pgqueue.cli.options import AsJson, SchemaName, Url
from pgqueue.cli.output import console, plain, print_json, print_rows
from pgqueue.cli.target import command_target

if TYPE_CHECKING:
    from pgqueue.demo.run import Report, Run


def demo(url: Url = None, schema: SchemaName = None, as_json: AsJson = False) -> int:
    """Fetch, parse and measure Python's own sources; kill a worker; check every number."""
    # Here, because these imports load psycopg and the demo's tasks.
    from pgqueue.demo.run import Run

    with command_target({"url": url, "schema": schema}, migrate_embedded=True) as target:
        run = Run(target.database.url, target.database.schema.name)
        try:
            _show_progress(run, is_quiet=as_json)
            report = run.check()
            answers = list(run.answers())
        finally:
            run.close()
    if as_json:
        print_json({**plain(report), "jobs_per_second": report.jobs_per_second})
        return 1 if report.problems else 0
    for title, sql, names, rows in answers:
        console.print(f"\n[bold]{title}[/bold]\n")
        console.print(sql, markup=False, style="dim")
        console.print()
        print_rows(names, rows)
    _print_report(report)
    return 1 if report.problems else 0


def _show_progress(run: "Run", *, is_quiet: bool) -> None:
    columns = TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=is_quiet) as display:
        enqueue_bar = display.add_task("enqueue", total=None)
        count = 0
        for count in run.enqueue():
            display.update(enqueue_bar, completed=count)
        display.update(enqueue_bar, total=count)
        fetch_bar = display.add_task("fetch", total=None)
        measure_bar = display.add_task("measure", total=None)
        was_killed = False
        for snapshot in run.work():
            finished = snapshot.measured_count + snapshot.failed_count
            total = snapshot.file_count
            display.update(fetch_bar, completed=snapshot.fetched_count, total=total)
            display.update(measure_bar, completed=finished, total=total)
            if snapshot.is_killed and not was_killed:
                display.console.print("killed one worker with SIGKILL while it ran jobs")
            was_killed = snapshot.is_killed


def _print_report(report: "Report") -> None:
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
