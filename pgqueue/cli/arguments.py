"""A task's arguments as they are typed: one JSON object, or NAME=VALUE words."""

import json
from collections.abc import Sequence
from typing import Any

import typer


def parse(words: Sequence[str] | None) -> dict[str, Any]:
    """The arguments by parameter name.

    Raises:
        BadParameter: The words are neither of the two forms.
    """
    words = words or []
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        return parse_object(words[0])
    args: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise typer.BadParameter(
                f"{word!r} is neither a JSON object nor NAME=VALUE. Write user_id=7 or "
                """'{"user_id": 7}'."""
            )
        if name in args:
            raise typer.BadParameter(f"{name} is given twice. Write it once.")
        args[name] = _value(value)
    return args


def parse_object(text: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        BadParameter: It does not parse, or is another kind of value.
    """
    try:
        value = _read(text)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{text!r} is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise typer.BadParameter(f"{text!r} is not a JSON object. Write {{...}} by name.")
    return value


def _value(text: str) -> Any:
    try:
        return _read(text)
    except (ValueError, RecursionError):
        return text


def _read(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> None:
    # Python's reader takes NaN and Infinity, which JSON does not have.
    raise ValueError(f"{name} is not in JSON")
