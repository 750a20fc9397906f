"""The reference has every table, command and error, and the index links to every page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer

from pgqueue.cli.app import app
from pgqueue.core import errors
from pgqueue.core.errors import PgqueueError

DOCS = Path(__file__).parents[2] / "docs"


def _read(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def _commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, child in getattr(command, "commands", {}).items():
        full = f"{path} {name}".strip()
        if hasattr(child, "commands"):
            yield from _commands(child, full)
        else:
            yield full, child


COMMANDS = dict(_commands(typer.main.get_command(app)))


def test_every_error_class_is_in_the_reference() -> None:
    classes = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, PgqueueError)
    ]

    assert classes
    assert [] == [name for name in classes if f"| `{name}` |" not in _read("reference/errors.md")]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_its_options_are_in_the_reference(command: str) -> None:
    text = _read("reference/command-line.md")
    options = [
        option
        for parameter in COMMANDS[command].params
        for option in parameter.opts
        if option.startswith("--")
    ]

    assert re.search(rf"`(pgqueue )?{command}[ `]", text)
    assert [] == [option for option in options if not re.search(rf"{option}\b(?!-)", text)]


@pytest.mark.parametrize(
    "table", ["jobs", "attempts", "logs", "workers", "supervisors", "requests", "tasks"]
)
def test_a_table_of_the_reference_has_the_columns_of_the_database(
    table: str, database_url: str
) -> None:
    section = _read("reference/schema.md").partition(f"## `{table}`")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \| (.+?) \| (yes|no) \|", section, re.M)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "select attribute.attname, "
            "format_type(coalesce(nullif(type.typbasetype, 0), type.oid), null), "
            "case when attribute.attnotnull then 'no' else 'yes' end "
            "from pg_attribute as attribute "
            "join pg_type as type on type.oid = attribute.atttypid "
            "where attribute.attrelid = %s::regclass "
            "and attribute.attnum > 0 and not attribute.attisdropped "
            "order by attribute.attnum",
            [f"pgqueue.{table}"],
        ).fetchall()

    assert rows == listed


def test_the_reference_lists_each_domain_and_its_columns(database_url: str) -> None:
    section = _read("reference/schema.md").partition("## Domains")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|", section, re.M)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "select domain.typname, format_type(domain.typbasetype, null), "
            "string_agg('`' || class.relname || '.' || attribute.attname || '`', ', ' "
            "order by class.relname, attribute.attnum) "
            "from pg_type as domain "
            "join pg_attribute as attribute on attribute.atttypid = domain.oid "
            "join pg_class as class on class.oid = attribute.attrelid and class.relkind = 'r' "
            "where domain.typnamespace = 'pgqueue'::regnamespace and domain.typtype = 'd' "
            "group by domain.typname, domain.typbasetype",
        ).fetchall()

    assert sorted(rows) == sorted(listed)


def test_every_table_and_view_is_in_the_reference(database_url: str) -> None:
    text = _read("reference/schema.md")
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'pgqueue'"
        ).fetchall()

    assert rows
    assert [] == [name for (name,) in rows if f"`{name}`" not in text]


def test_the_index_links_to_every_page() -> None:
    text = _read("index.md")
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]

    assert [] == [page for page in pages if page != "index.md" and f"({page})" not in text]
