"""The `.sql` file of every statement, as `Statement.file` names it."""

from importlib.resources import files
from typing import Final


def _stems(package: str) -> list[str]:
    entries = files(f"pgqueue.{package}").joinpath("sql").iterdir()
    return [entry.name.removesuffix(".sql") for entry in entries if entry.name.endswith(".sql")]


STATEMENT_FILES: Final = sorted(
    [*_stems("store"), *(f"schema:{stem}" for stem in _stems("schema"))]
)
