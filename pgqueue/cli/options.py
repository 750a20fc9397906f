"""Options that several commands take, and the forms of arguments on the command line."""

import json
from typing import Annotated, Any

import typer

from pgqueue.core.errors import InvalidOption

Url = Annotated[str | None, typer.Option("--url", help="The database; else PGQUEUE_URL.")]
SchemaName = Annotated[str | None, typer.Option("--schema", help="The schema of the tables.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Modules = Annotated[
    list[str] | None,
    typer.Option("--tasks", help="A module with tasks; repeat it, or separate with commas."),
]
Arguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="[JSON | k=v ...]", help="The task's arguments.", show_default=False),
]


def modules(given: list[str] | None) -> tuple[str, ...] | None:
    """The modules of repeated and comma-separated options; None when none was given."""
    if not given:
        return None
    return tuple(name.strip() for each in given for name in each.split(",") if name.strip())


def arguments(given: list[str] | None) -> dict[str, Any]:
    """Arguments by name, from one JSON object or from `k=v` words.

    A value is JSON when it reads as JSON, else a string.

    Raises:
        InvalidOption: Neither form.
    """
    words = given or []
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        try:
            told = json.loads(words[0])
        except ValueError as error:
            raise InvalidOption("JSON", words[0], f"it cannot be read: {error}.") from error
        if isinstance(told, dict):
            return told
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            reason = "arguments are one JSON object, or words of the form name=value."
            raise InvalidOption("argument", word, reason)
        try:
            found[name] = json.loads(value, parse_constant=_no_constant)
        except ValueError:
            found[name] = value
    return found


def _no_constant(word: str) -> None:
    # Python reads NaN and Infinity, which JSON does not know.
    raise ValueError(f"{word} is no JSON")
