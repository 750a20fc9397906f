"""The header of each SQL file states its purpose, its index and its locks."""

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "pgqueue"
FILES = sorted([*PACKAGE.glob("store/sql/*.sql"), *PACKAGE.glob("schema/sql/*.sql")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_statement_has_its_header_and_its_style(path: Path) -> None:
    lines = path.read_text().splitlines()
    comments = [line for line in lines if line.startswith("--")]
    text = "\n".join(line for line in lines if not line.startswith("--"))

    assert lines[0].startswith("-- ")
    assert any(line.startswith("-- Index:") for line in comments)
    assert any(line.startswith("-- Locks:") for line in comments)
    assert not any("%" in line for line in comments)
    assert not re.search(r"select \*", text)
    assert text == re.sub(
        r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|WITH|RETURNING|ORDER BY)\b",
        lambda word: word.group().lower(),
        text,
    )
