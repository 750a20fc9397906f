"""Readers: each turns the text or number of a layer into the value of a setting.

Each raises ValueError with the reason when the value is bad.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Final

_SCHEMA_BYTES_MAX: Final = 48

Read = Callable[[object], object]
"""Turns the text or number of a layer into the value, or raises ValueError with the reason."""


def text(value: object) -> object:
    """Return text without space around it; it may not be empty."""
    stripped = _unstripped(value).strip()
    if not stripped:
        raise ValueError("it takes text.")
    return stripped


def _unstripped(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("it takes text.")
    if "\0" in value:
        raise ValueError("it holds a NUL character.")
    return value


def texts(value: object) -> object:
    """Return each text of a list once.

    In the environment commas separate them, or they are a JSON list: a name may hold a comma.
    """
    if isinstance(value, str):
        value = _split(value)
    if not isinstance(value, Iterable) or isinstance(value, (bytes, Mapping)):
        raise ValueError("it takes a list of texts, in the environment with commas between them.")
    # The parts of a list are not stripped: the name of a queue may begin or end with a space.
    return tuple(dict.fromkeys(_unstripped(part) for part in value if part != ""))


def _split(value: str) -> object:
    if not value.lstrip().startswith("["):
        return [part.strip() for part in value.split(",")]
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"it begins with `[` and is no JSON list: {error}.") from None


def schema_name(value: object) -> str:
    """Return a name that the schema can have.

    Raises:
        ValueError: It is empty or begins with `pg_`. It is longer than 48 bytes: PostgreSQL's limit
            is 63, and the name of the channel is longer than the schema's. It holds NUL, `%` or
            `:`: psycopg and SQLAlchemy give the last two a meaning.
    """
    name = str(text(value))
    is_short = len(name.encode(errors="replace")) <= _SCHEMA_BYTES_MAX
    if not is_short or name.startswith("pg_") or set(name) & set("\0%:"):
        raise ValueError(
            f"it takes 1 to {_SCHEMA_BYTES_MAX} bytes without NUL, '%' and ':', and not 'pg_' at "
            "its beginning."
        )
    return name


def _number(value: object) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise ValueError("it takes a number.") from None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise ValueError("it takes a number.")
    return value


def integer(least: int, most: int) -> Read:
    """Return the reader of a whole number between two limits."""

    def read(value: object) -> object:
        number = _number(value)
        if number != int(number) or not least <= number <= most:
            raise ValueError(f"it takes a whole number from {least:,} to {most:,}.")
        return int(number)

    return read


def seconds(least: float, most: float) -> Read:
    """Return the reader of a number of seconds between two limits."""

    def read(value: object) -> object:
        number = _number(value)
        if not least <= number <= most:
            raise ValueError(f"it takes {least:g} to {most:,g} seconds.")
        return float(number)

    return read


def one_of(*choices: str) -> Read:
    """Return the reader of one of some words, in any case."""

    def read(value: object) -> object:
        for choice in choices:
            if isinstance(value, str) and value.strip().lower() == choice.lower():
                return choice
        raise ValueError(f"it takes one of {', '.join(choices)}.")

    return read


_BOOLEANS: Final = {
    **dict.fromkeys((True, "true", "1", "yes", "on"), True),
    **dict.fromkeys((False, "false", "0", "no", "off"), False),
}


def boolean(value: object) -> object:
    """Return whether a word means yes: the words of TOML, of shells and of compose files."""
    word = value.strip().lower() if isinstance(value, str) else value
    if not isinstance(word, bool | str) or word not in _BOOLEANS:
        raise ValueError("it takes true or false.")
    return _BOOLEANS[word]
