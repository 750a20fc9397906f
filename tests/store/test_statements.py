"""PostgreSQL can prepare every statement, under any name of the schema."""

import re

import pytest
from statement_files import STATEMENT_FILES

from pgqueue.schema import migrate
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.schema_name import Schema, read_whole

PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@pytest.fixture(params=["pgqueue", 'a"b'])
def named_link(database_url: str, request: pytest.FixtureRequest) -> Link:
    """A link to a migrated schema with the name of the parameter."""
    migrate.upgrade(database_url, request.param)
    link = Database(database_url, request.param).open()
    request.addfinalizer(link.close)
    return link


@pytest.mark.parametrize("file", [file for file in STATEMENT_FILES if file != "copy_jobs"])
def test_a_statement_prepares(named_link: Link, file: str) -> None:
    numbers: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return numbers.setdefault(match[1], f"${len(numbers) + 1}")

    text = PLACEHOLDER.sub(number, named_link.schema.render(file))

    named_link.raw.execute(f"prepare statement as {text}".encode())

    [(types,)] = named_link.fetch("select parameter_types::text[] from pg_prepared_statements", {})
    assert len(numbers) == len(types)


def test_the_copy_statement_takes_rows(named_link: Link) -> None:
    named_link.copy(named_link.schema.render("copy_jobs"), [])


@pytest.mark.parametrize("file", STATEMENT_FILES)
def test_every_parameter_is_cast_and_no_comment_reaches_the_server(file: str) -> None:
    text = Schema().render(file)

    assert [] == re.findall(r"%\(\w+\)s(?!::)", text)
    assert "--" not in text


@pytest.mark.parametrize("file", STATEMENT_FILES)
def test_a_file_names_its_index_and_its_locks(file: str) -> None:
    written = read_whole(file)

    head = "\n".join(line for line in written.splitlines() if line.startswith("--"))

    assert re.search(r"^-- Index: ", head, re.MULTILINE)
    assert re.search(r"^-- Locks: ", head, re.MULTILINE)
    assert "%" not in head
