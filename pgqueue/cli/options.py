"""Options that several commands take, and the ways to write a task's arguments."""

import json
from typing import Annotated, Any

import typer

from pgqueue.core.errors import InvalidOption

Url = Annotated[str | None, typer.Option("--url", help="URL of the database; else PGQUEUE_URL.")]
SchemaName = Annotated[str | None, typer.Option("--schema", help="Schema of pgqueue's tables.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Modules = Annotated[
    list[str] | None,
    typer.Option(
        "--tasks", help="Import this module with tasks; repeat it, or separate with commas."
    ),
]
Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[JSON | name=value ...]", help="The task's arguments.", show_default=False
    ),
]


def modules(options: list[str] | None) -> tuple[str, ...] | None:
    """The modules of repeated and comma-separated options; None without an option."""
    if not options:
        return None
    return tuple(name.strip() for option in options for name in option.split(",") if name.strip())


def arguments(words: list[str] | None) -> dict[str, Any]:
    """Arguments by name, from one JSON object or from `name=value` words.

    A value is JSON when it reads as JSON, else a string.

    Raises:
        InvalidOption: The words have neither form.
    """
    words = words or []
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        try:
            document = json.loads(words[0])
        except ValueError as error:
            raise InvalidOption("JSON", words[0], f"it cannot be read: {error}.") from error
        if isinstance(document, dict):
            return document
    args: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            reason = "arguments are one JSON object, or words of the form name=value."
            raise InvalidOption("argument", word, reason)
        try:
            args[name] = json.loads(value, parse_constant=_refuse_constant)
        except ValueError:
            args[name] = value
    return args


def _refuse_constant(word: str) -> None:
    # Python's reader accepts NaN and Infinity, which are no JSON.
    raise ValueError(f"{word} is no JSON")
