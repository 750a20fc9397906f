"""Whoever locks other rows than a promise rests on, or in another way, hears of it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from queue_database import QueueDatabase

from mutation.lock_scenarios import SCENARIOS, Scenario
from mutation.locks import altered
from pgqueue.store import schema_name
from pgqueue.store.connection.database import Database

# Locks are looked at by the processes that hold them, and a pooler lends these.
pytestmark = pytest.mark.own_session

_FILES = sorted(Path(schema_name.__file__).with_name("sql").glob("*.sql"))
MUTANTS = [
    pytest.param(file.stem, text, id=f"{file.stem}: {what}")
    for file in _FILES
    for what, text in altered(file.read_text("utf-8"))
]
PLAYED = [(file, scenario) for file in sorted(SCENARIOS) for scenario in SCENARIOS[file]]


@pytest.fixture(scope="module")
def db(
    fresh_database: Callable[[str], AbstractContextManager[str]], server_url: str
) -> Iterator[QueueDatabase]:
    """A database at hand; one for all mutants, as each scenario begins by emptying it."""
    with fresh_database(server_url) as url:
        link = Database(url).open()
        yield QueueDatabase(link)
        link.close()


@pytest.fixture
def stage(db: QueueDatabase) -> QueueDatabase:
    """The db, emptied."""
    _empty(db)
    return db


@pytest.mark.parametrize(
    ("file", "scenario"), PLAYED, ids=lambda each: getattr(each, "__name__", each)
)
def test_the_statements_as_they_are_play_every_scenario(
    stage: QueueDatabase, file: str, scenario: Scenario
) -> None:
    scenario(stage)


@pytest.mark.parametrize(("file", "text"), MUTANTS)
def test_a_statement_that_locks_otherwise_is_found_out(
    stage: QueueDatabase, monkeypatch: pytest.MonkeyPatch, file: str, text: str
) -> None:
    rendered, mutant = schema_name._render, stage.link.schema.qualify(text)
    monkeypatch.setattr(
        schema_name,
        "_render",
        lambda known, asked: mutant if asked == file else rendered(known, asked),
    )

    assert any(_is_found_out(stage, scenario) for scenario in SCENARIOS[file])


def test_every_lock_is_altered_in_each_way() -> None:
    text = """
        -- for update of nothing
        select from a limit 3
        for no key update of a skip locked;
        select from b
          order by b.id
          limit 3
          for key share of b;
    """

    done = dict(altered(text))

    assert [
        "for no key update of a skip locked: none", "for no key update of a skip locked: key share",
        "for no key update of a skip locked: waits",
        "for key share of b: none", "for key share of b: no key update",
        "for key share of b: skips", "for key share of b: in no order",
    ] == [*done]  # fmt: skip
    assert "for no key update of a;" in done["for no key update of a skip locked: waits"]
    assert "order by b" not in done["for key share of b: in no order"]
    assert "limit 3\n          for key share of b skip locked;" in done["for key share of b: skips"]


def _is_found_out(db: QueueDatabase, scenario: Scenario) -> bool:
    _empty(db)
    try:
        scenario(db)
    except AssertionError:
        return True
    except psycopg.Error:
        # No proof: a mutant that cannot run at all fails so too.
        return False
    return False


def _empty(db: QueueDatabase) -> None:
    db.link.raw.execute("reset all")
    db.link.raw.execute("set lock_timeout = '20s'")
    for table in ("logs", "attempts", "jobs", "workers"):
        db.rows(f"delete from pgqueue.{table}")
