"""A driver and an ORM read our domains as the pages describe."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from reflecting import reflecting
from sqlalchemy import (
    TEXT,
    Connection,
    MetaData,
    Table,
    Text,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, DOMAIN, JSONB, TIMESTAMP

from pgqueue.client.client import Client
from pgqueue.store.domains import Domain
from pgqueue.store.tables import jobs

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def job(client: Client) -> Any:
    """A queued job with arguments."""
    return client.enqueue("shop.mail.send", {"user_id": 1})


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A connection of SQLAlchemy."""
    with reflecting(database_url) as connection:
        yield connection


@pytest.fixture
def reflected(connection: Connection) -> Table:
    """The table of jobs, as SQLAlchemy finds it in the database."""
    return Table("jobs", MetaData(schema="pgqueue"), autoload_with=connection)


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("status", "queued"),
        ("min(status)", "queued"),
        ("json_agg(status)", ["queued"]),
        ("array_agg(status)", "{queued}"),
        ("array_agg(status::text)", ["queued"]),
        ("array_agg(args)", r'{"{\"user_id\": 1}"}'),
        ("array_agg(args::jsonb)", [{"user_id": 1}]),
    ],
)
def test_a_value_has_the_type_of_its_domain_and_an_array_needs_a_cast(
    database_url: str, job: Any, expression: str, answer: object
) -> None:
    query = f"select {expression} from pgqueue.jobs"

    with psycopg.connect(database_url) as connection:
        row = connection.execute(query.encode()).fetchone()

    assert (answer,) == row


def test_the_reference_has_both_forms_of_an_array() -> None:
    text = (DOCS / "reference/schema.md").read_text(encoding="utf-8")

    assert [] == [
        form for form in ("array_agg(status)", "array_agg(status::text)") if form not in text
    ]


def test_the_query_of_the_how_to_page_returns_a_list(database_url: str, job: Any) -> None:
    text = (DOCS / "how-to/inspect-with-sql.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"```sql\n([^`]*\barray_agg\b[^`]*)```", text)

    with psycopg.connect(database_url) as connection:
        rows = connection.execute(query.encode()).fetchall()

    assert [("shop.mail.send", ["queued"])] == rows


def test_reflection_finds_each_domain_and_its_base_type(reflected: Table) -> None:
    domains = {
        column.name: column.type for column in reflected.c if isinstance(column.type, DOMAIN)
    }
    expected = {
        column.name: column.type.name for column in jobs.c if isinstance(column.type, Domain)
    }

    assert expected == {column: type_.name for column, type_ in domains.items()}
    assert [TEXT, JSONB, TIMESTAMP, ARRAY] == [
        type(domains[column].data_type) for column in ("status", "args", "run_at", "tags")
    ]


def test_a_reflected_column_needs_a_cast_in_an_array_and_before_an_operator(
    connection: Connection, reflected: Table, job: Any
) -> None:
    status, args = reflected.c.status, reflected.c.args

    plain = connection.scalars(select(func.array_agg(status))).one()
    cast_first = connection.scalars(select(func.array_agg(cast(status, Text)))).one()
    user_id = connection.scalars(select(cast(args, JSONB)["user_id"])).one()

    # SQLAlchemy 2.1 makes a list of the characters of the text.
    assert "queued" not in list(plain)
    assert (["queued"], 1) == (cast_first, user_id)
