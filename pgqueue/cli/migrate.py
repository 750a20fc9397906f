"""`pgqueue migrate`: bring the schema up to date, or say how."""

from typing import Annotated

import typer

from pgqueue.cli.options import AsJson, SchemaName, Url
from pgqueue.cli.output import print_json
from pgqueue.cli.target import unchecked
from pgqueue.core.settings import load_settings


def migrate(
    plan: Annotated[bool, typer.Option("--plan", help="Only list what would be done.")] = False,
    after: Annotated[
        bool, typer.Option("--after", help="Also what no older release works with any more.")
    ] = False,
    sql: Annotated[bool, typer.Option("--sql", help="Only print the SQL, for a person.")] = False,
    roles: Annotated[bool, typer.Option("--roles", help="Make database roles instead.")] = False,
    prefix: Annotated[str, typer.Option(help="Of the roles' names.")] = "pgqueue",
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Create pgqueue's tables, or bring them up to this release."""
    if roles:
        return _roles(plan, sql, prefix, {"url": url, "schema": schema}, as_json)
    from pgqueue.schema import migrate as migrations

    if sql:
        settings = load_settings({} if schema is None else {"schema": schema})
        print(migrations.sql(settings.schema))
        return 0
    with unchecked({"url": url, "schema": schema}) as here:
        database = here.database.url, here.database.schema.name
        applied = [] if plan else migrations.upgrade(*database, after=after)
        pending = migrations.plan(*database)
    if as_json:
        print_json(pending if plan else applied)
        return 0
    for revision in applied:
        print(f"applied {revision.id} {revision.title}")
    for revision in pending:
        print(f"pending {revision.id} ({revision.deploy} the deploy) {revision.title}")
    if pending and not plan:
        print("When no process of an older release runs any more: pgqueue migrate --after")
    if not applied and not pending:
        print("up to date")
    return 0


def _roles(plan: bool, sql: bool, prefix: str, flags: dict[str, str | None], as_json: bool) -> int:
    from pgqueue.schema import roles

    if sql:
        print(roles.sql(load_settings(flags).schema, prefix), end="")
        return 0
    with unchecked(flags) as here:
        change = roles.plan if plan else roles.apply
        changes = change(here.database.url, here.database.schema.name, prefix)
    if as_json:
        print_json(changes)
        return 0
    told = ("missing", "surplus") if plan else ("given", "taken")
    for word, rights in zip(told, (changes.given, changes.taken), strict=True):
        for right in rights:
            print(f"{word} {right}")
    if not (changes.given or changes.taken):
        print("up to date")
    return 0
