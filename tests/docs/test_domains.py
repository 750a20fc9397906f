"""What a driver and an ORM make of our domains, as the pages tell it."""

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
    """A connection of SQLAlchemy's."""
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
def test_one_value_is_of_its_domains_type_and_an_array_after_a_cast_alone(
    database_url: str, job: Any, expression: str, answer: object
) -> None:
    query = f"select {expression} from pgqueue.jobs"

    with psycopg.connect(database_url) as connection:
        row = connection.execute(query.encode()).fetchone()

    assert (answer,) == row


def test_the_reference_tells_both_forms_of_an_array() -> None:
    text = (DOCS / "reference/schema.md").read_text(encoding="utf-8")

    assert [] == [
        form for form in ("array_agg(status)", "array_agg(status::text)") if form not in text
    ]


def test_the_query_of_the_how_to_page_answers_a_list(database_url: str, job: Any) -> None:
    text = (DOCS / "how-to/inspect-with-sql.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"```sql\n([^`]*\barray_agg\b[^`]*)```", text)

    with psycopg.connect(database_url) as connection:
        rows = connection.execute(query.encode()).fetchall()

    assert [("shop.mail.send", ["queued"])] == rows


def test_reflection_finds_each_domain_and_the_type_it_is_made_of(reflected: Table) -> None:
    domains = {each.name: each.type for each in reflected.c if isinstance(each.type, DOMAIN)}
    expected = {each.name: each.type.name for each in jobs.c if isinstance(each.type, Domain)}

    assert expected == {column: type_.name for column, type_ in domains.items()}
    assert [TEXT, JSONB, TIMESTAMP, ARRAY] == [
        type(domains[column].data_type) for column in ("status", "args", "run_at", "tags")
    ]


def test_a_reflected_column_takes_a_cast_in_an_array_and_before_an_operator(
    connection: Connection, reflected: Table, job: Any
) -> None:
    status, args = reflected.c.status, reflected.c.args

    plain = connection.scalars(select(func.array_agg(status))).one()
    cast_first = connection.scalars(select(func.array_agg(cast(status, Text)))).one()
    user_id = connection.scalars(select(cast(args, JSONB)["user_id"])).one()

    # SQLAlchemy 2.1 makes a list of the characters of the text that it is handed.
    assert "queued" not in list(plain)
    assert (["queued"], 1) == (cast_first, user_id)
