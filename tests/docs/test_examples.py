"""The queries of the documentation run, and its lists are complete."""

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pgqueue
from pgqueue.core.settings import declared_settings

DOCS = Path(__file__).parents[2] / "docs"
PAGES_OF_QUERIES = [DOCS.parent / "README.md", DOCS / "how-to/inspect-with-sql.md"]
QUERIES = [
    query
    for page in PAGES_OF_QUERIES
    for query in re.findall(r"```sql\n(.*?)```", page.read_text(), re.S)
]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.split("\n")[0][:30])
def test_a_query_of_the_pages_runs(query: str, database_url: str, client: Any) -> None:
    client.enqueue("shop.mail.send", {"user_id": 1})

    with psycopg.connect(database_url) as connection:
        answer = connection.execute(query.encode())

    assert answer.description


def test_every_setting_is_in_the_reference() -> None:
    text = (DOCS / "reference/settings.md").read_text()

    assert [] == [
        setting.name for setting in declared_settings() if f"`{setting.name}`" not in text
    ]


def test_every_public_name_is_in_the_reference() -> None:
    text = (DOCS / "reference/api.md").read_text()

    assert [] == [name for name in pgqueue.__all__ if f"`{name}`" not in text]


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.name)
def test_every_link_between_pages_has_a_target(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+\.md)", page.read_text())

    assert [] == [link for link in links if not (page.parent / link).exists()]
