"""A report is a value: a composed query, and the way to decode its rows by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, Table, Text, cast
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from pgqueue.store.columns import field_names
from pgqueue.store.connection.link import Link

T = TypeVar("T")

NamedRow = Mapping[str, Any]
"""A row's values by the names of its columns."""

_DIALECT: Final = PGDialect_psycopg()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Report(Generic[T]):
    """A composed query.

    Args:
        query: Each column has a name of its own.
        decode: Turns the rows into the answer.
    """

    query: Select[Any]
    decode: Callable[[Sequence[NamedRow]], T]


def read(link: Link, report: Report[T]) -> T:
    """The answer of *link*'s database to a report."""
    compiled = report.query.compile(dialect=_DIALECT)
    # Every value is a parameter, so the text holds our schema's name and no user's data.
    text = link.schema.qualify(str(compiled))
    names = report.query.selected_columns.keys()
    rows = link.fetch(text, compiled.params)
    return report.decode([dict(zip(names, row, strict=True)) for row in rows])


def columns_for(record: type, table: Table) -> list[ColumnElement[Any]]:
    """The columns of a table that a record's fields name, in the order of the fields.

    A JSON column comes as text: the connection of a caller may decode JSON in another way.
    """
    return [_readable(table.c[name]) for name in field_names(record)]


def decoded_row(row: NamedRow, decoders: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """A row's values by name, each decoded by the decoder of its name, if it has one."""
    return {
        name: decoders[name](value) if name in decoders else value for name, value in row.items()
    }


def _readable(column: ColumnElement[Any]) -> ColumnElement[Any]:
    implementation = getattr(column.type, "impl", column.type)
    is_json = isinstance(implementation, JSONB)
    return cast(column, Text).label(column.key) if is_json else column
