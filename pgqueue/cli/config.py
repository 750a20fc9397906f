"""`pgqueue config`: every setting, its value and its origin."""

from pgqueue import embedded
from pgqueue.cli.messages import print_warning
from pgqueue.cli.options import AsJson, SchemaName, Url
from pgqueue.cli.output import print_json, print_rows
from pgqueue.core.settings import load_settings


def config(url: Url = None, schema: SchemaName = None, as_json: AsJson = False) -> int:
    """Print every setting with its value and its origin; passwords are hidden."""
    flags = {"url": url, "schema": schema}
    settings = load_settings({name: value for name, value in flags.items() if value is not None})
    for warning in settings.warnings:
        print_warning(warning)
    if settings.url is None and embedded.is_installed():
        print_warning(f"with no URL set, commands use {embedded.DEFAULT_FOLDER} (embedded)")
    rows = [
        {"name": name, "value": value, "origin": settings.origins.get(name, "default")}
        for name, value in settings.redacted().items()
    ]
    if as_json:
        print_json(rows)
    else:
        print_rows(["setting", "value", "origin"], (tuple(row.values()) for row in rows))
    return 0
