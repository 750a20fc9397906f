"""`pgqueue config`: each setting with its value and where that came from."""

from pgqueue.cli import output
from pgqueue.cli.database import read_settings
from pgqueue.cli.options import AsJson, Schema, Url
from pgqueue.core.settings import declared_settings


def config(as_json: AsJson = False, url: Url = None, schema: Schema = None) -> None:
    """Print each setting with its origin; passwords are hidden."""
    settings = read_settings({"url": url, "schema": schema})
    values = settings.redacted()
    rows = [
        {
            "name": each.name,
            "value": values[each.name],
            "unit": each.unit,
            "origin": settings.origins[each.name],
            "text": each.text,
        }
        for each in declared_settings()
    ]
    output.print_rows(("name", "value", "unit", "origin"), rows, as_json=as_json)
