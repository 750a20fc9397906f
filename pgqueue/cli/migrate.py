"""`pgqueue migrate`: create pgqueue's tables or bring them up to date, or print how."""

from typing import Annotated

import typer

from pgqueue.cli.options import AsJson, SchemaName, Url
from pgqueue.cli.output import print_json
from pgqueue.cli.target import unchecked_target
from pgqueue.core.settings import load_settings


def migrate(
    plan: Annotated[
        bool, typer.Option("--plan", help="List the pending migrations; change nothing.")
    ] = False,
    after: Annotated[
        bool,
        typer.Option(
            "--after", help="Also apply migrations that stop older releases from working."
        ),
    ] = False,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print the SQL for a person to run; change nothing.")
    ] = False,
    roles: Annotated[
        bool, typer.Option("--roles", help="Create database roles instead of tables.")
    ] = False,
    prefix: Annotated[
        str, typer.Option(help="Begin the names of the roles with this word.")
    ] = "pgqueue",
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
    with unchecked_target({"url": url, "schema": schema}) as target:
        database = target.database.url, target.database.schema.name
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
    with unchecked_target(flags) as target:
        change = roles.plan if plan else roles.apply
        changes = change(target.database.url, target.database.schema.name, prefix)
    if as_json:
        print_json(changes)
        return 0
    labels = ("missing", "surplus") if plan else ("given", "taken")
    for label, rights in zip(labels, (changes.granted, changes.revoked), strict=True):
        for right in rights:
            print(f"{label} {right}")
    if not (changes.granted or changes.revoked):
        print("up to date")
    return 0
