"""A statement that locks rows in another way fails a test."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from queue_database import QueueDatabase

from mutation.detection import emptied, is_detected
from mutation.lock_scenarios import SCENARIOS, Scenario
from mutation.locks import altered
from pgqueue.store import schema_name
from pgqueue.store.connection.database import Database

# The scenarios compare the process ids of sessions, which a pooler shares.
pytestmark = pytest.mark.own_session

_FILES = sorted(Path(schema_name.__file__).with_name("sql").glob("*.sql"))
MUTANTS = [
    pytest.param(file.stem, text, id=f"{file.stem}: {change}")
    for file in _FILES
    for change, text in altered(file.read_text("utf-8"))
]
PAIRS = [(file, scenario) for file in sorted(SCENARIOS) for scenario in SCENARIOS[file]]


@pytest.fixture(scope="module")
def db(
    fresh_database: Callable[[str], AbstractContextManager[str]], server_url: str
) -> Iterator[QueueDatabase]:
    """One database for all mutants; each scenario empties it first."""
    with fresh_database(server_url) as url:
        link = Database(url).open()
        yield QueueDatabase(link)
        link.close()


@pytest.fixture
def empty_db(db: QueueDatabase) -> QueueDatabase:
    """The empty database."""
    return _prepared(db)


@pytest.mark.parametrize(
    ("file", "scenario"), PAIRS, ids=lambda value: getattr(value, "__name__", value)
)
def test_the_unchanged_statements_pass_every_scenario(
    empty_db: QueueDatabase, file: str, scenario: Scenario
) -> None:
    scenario(empty_db)


@pytest.mark.parametrize(("file", "text"), MUTANTS)
def test_a_statement_with_another_lock_fails_a_scenario(
    empty_db: QueueDatabase, monkeypatch: pytest.MonkeyPatch, file: str, text: str
) -> None:
    rendered, mutant = schema_name._render, empty_db.link.schema.qualify(text)
    monkeypatch.setattr(
        schema_name,
        "_render",
        lambda schema, name: mutant if name == file else rendered(schema, name),
    )

    assert any(is_detected(_prepared(empty_db), scenario) for scenario in SCENARIOS[file])


def test_every_lock_is_altered_in_every_way() -> None:
    text = """
        -- for update of nothing
        select from a limit 3
        for no key update of a skip locked;
        select from b
          order by b.id
          limit 3
          for key share of b;
    """

    mutants = dict(altered(text))

    assert [
        "for no key update of a skip locked: none", "for no key update of a skip locked: key share",
        "for no key update of a skip locked: waits",
        "for key share of b: none", "for key share of b: no key update",
        "for key share of b: skips", "for key share of b: in no order",
    ] == [*mutants]  # fmt: skip
    assert "for no key update of a;" in mutants["for no key update of a skip locked: waits"]
    assert "order by b" not in mutants["for key share of b: in no order"]
    assert (
        "limit 3\n          for key share of b skip locked;" in mutants["for key share of b: skips"]
    )


def _prepared(db: QueueDatabase) -> QueueDatabase:
    db.link.raw.execute("reset all")
    db.link.raw.execute("set lock_timeout = '20s'")
    return emptied(db)
