"""`pgqueue migrate`: bring the schema up to date, or say what that would do."""

from typing import Annotated

import typer

from pgqueue.cli import output
from pgqueue.cli.database import place, read_settings
from pgqueue.cli.options import AsJson, Schema, Url


def migrate(
    plan: Annotated[bool, typer.Option("--plan", help="Print what would be applied.")] = False,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print all of it as SQL, for another tool to apply.")
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
    schema: Schema = None,
) -> None:
    """Apply every pending migration in one transaction."""
    from pgqueue.store import migrate as store

    if plan and sql:
        raise typer.BadParameter("--plan and --sql exclude each other. Take one of them.")
    flags = {"url": url, "schema": schema}
    if sql:
        print(store.sql(read_settings(flags).schema))
        return
    with place(flags) as found:
        ask = store.plan if plan else store.upgrade
        revisions = ask(found.url, found.settings.schema)
    if as_json:
        output.print_json([output.record(each) for each in revisions])
        return
    verb = "Would apply" if plan else "Applied"
    for each in revisions:
        print(f"{verb} {each.id}: {each.title}")
    if not revisions:
        print("The schema is up to date.")
