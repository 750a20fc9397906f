"""A statement is a value: its SQL file, its parameters, and how its rows are decoded.

Functions of this package return statements. `run` and `arun` run them, on our own connections and
on the caller's, so that no operation is written twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from pgqueue.store.connection.link import AsyncLink, Link

Row = tuple[Any, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Statement(Generic[T]):
    """One statement for the database.

    Args:
        file: Name of the text in `store/sql/`, without `.sql`; `schema:NAME` for `schema/sql/`.
        params: A value for each `%(name)s` in it.
        decode: Turns the rows into the caller's result.
    """

    file: str
    params: Mapping[str, object]
    decode: Callable[[Sequence[Row]], T]


def run(link: "Link", statement: Statement[T]) -> T:
    """Run *statement* on *link*, and return its decoded answer."""
    return statement.decode(link.fetch(link.schema.render(statement.file), statement.params))


async def arun(link: "AsyncLink", statement: Statement[T]) -> T:
    """Run *statement* on *link* without blocking the event loop."""
    rows = await link.fetch(link.schema.render(statement.file), statement.params)
    return statement.decode(rows)


def count(rows: Sequence[Row]) -> int:
    """How many rows a statement changed, from the keys it returned."""
    return len(rows)


def count_changed(rows: Sequence[Row]) -> int:
    """How many rows a statement changed, from keys with a mark: `(id, is_changed)`."""
    return sum(1 for _, is_changed in rows if is_changed)


def first_row(rows: Sequence[Row]) -> Row | None:
    """The first row; None without a row."""
    return rows[0] if rows else None


def first_column(rows: Sequence[Row]) -> list[Any]:
    """The first value of each row."""
    return [row[0] for row in rows]


def only_value(rows: Sequence[Row]) -> Any:
    """The only value of the only row."""
    return rows[0][0]


def first_value(rows: Sequence[Row]) -> Any:
    """The first value of the first row; None without a row."""
    return rows[0][0] if rows else None
