"""The name of our schema, and SQL text written for it.

The `.sql` files write the schema as `pgqueue.`; `Schema` replaces that prefix with the configured,
quoted name, once per file. Only `schema/roles` composes other identifiers into SQL, by `quoted`.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Final

from pgqueue.core.errors import InvalidSettings
from pgqueue.core.setting_readers import schema_name

_SCHEMA: Final = re.compile(r"'?pgqueue\.| in schema pgqueue ")


class Schema:
    """The name of a schema, and its quoted form; schemas with one name are equal.

    Args:
        name: Any PostgreSQL identifier that the setting `schema` takes.

    Raises:
        InvalidSettings: The setting does not take it.
    """

    def __init__(self, name: str = "pgqueue") -> None:
        try:
            schema_name(name)
        except ValueError as error:
            raise InvalidSettings(
                name="schema", value=name, origin="the schema's name", reason=str(error)
            ) from error
        self.name = name
        self.quoted = quoted(name)

    def channel(self, supervisor_id: int) -> str:
        """The channel on which a supervisor is notified."""
        # As in the function `notify`.
        return f"{self.name}.{supervisor_id:x}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Schema({self.name!r})"

    def qualify(self, text: str) -> str:
        """SQL text with this schema instead of `pgqueue.`, inside literals too."""
        # One pass: the name itself may hold `pgqueue.`, and nothing is replaced inside it.
        return _SCHEMA.sub(self._replacement, text)

    def _replacement(self, match: re.Match[str]) -> str:
        found = match[0]
        if found.startswith("'"):
            return "'" + self.quoted.replace("'", "''") + "."
        return f" in schema {self.quoted} " if found.startswith(" ") else f"{self.quoted}."

    def render(self, file: str) -> str:
        """The text of a `.sql` file for this schema, without its comments; see `read`."""
        return _render(self, file)


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Text as a literal, independent of `standard_conforming_strings`."""
    doubled = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{doubled}'"


def read(file: str) -> str:
    """The text of a `.sql` file without its comments.

    Args:
        file: `FILE` for `pgqueue/store/sql/FILE.sql`, `schema:FILE` for
            `pgqueue/schema/sql/FILE.sql`.
    """
    # psycopg counts a placeholder inside a comment as a parameter.
    lines = (line for line in read_whole(file).splitlines() if not line.lstrip().startswith("--"))
    return "\n".join(lines).strip()


def read_whole(file: str) -> str:
    """The text of a `.sql` file with its comments, for a person to read too."""
    package, _, name = file.rpartition(":")
    path = files(f"pgqueue.{package or 'store'}").joinpath("sql", f"{name}.sql")
    return path.read_text("utf-8").strip()


@cache
def _render(schema: Schema, file: str) -> str:
    return schema.qualify(read(file)).removesuffix(";")
