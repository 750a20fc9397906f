"""Whoever drops a condition from a statement that a promise rests on hears of it."""

from pathlib import Path

import psycopg
import pytest
from room import Room

from mutation.conjuncts import Conjunct, conjuncts, without
from mutation.scenarios import SCENARIOS, Scenario
from pgqueue.store import schema

_ONE_WRITE = "of a deletion and an update of one row in one statement, one is not done"

EQUIVALENT = {
    ("settle", "decided.status = 'succeeded'"): _ONE_WRITE,
    ("settle", "decided.keep_seconds = 0::float8"): _ONE_WRITE,
}
"""Conditions without which a statement happens to do the same, and why they stand there."""

OTHERS = {
    *("enqueue", "enqueue_by_name", "copy_jobs", "notify"),  # new rows
    *("record_tasks", "register_worker", "next_supervisor"),  # what a start tells of itself
    *("cancel", "retry"),  # a person's, by functions; tests/store/test_functions.py
    *("ready", "due", "unfinished", "await_caller"),  # questions that decide nothing
    *("job", "attempts", "logs", "lockers", "unknown_tasks", "version", "rights"),
}
"""Statements by which no worker and no supervisor changes what others hold."""

MUTANTS = [
    (file, conjunct)
    for file in sorted(SCENARIOS)
    for conjunct in conjuncts(schema.read(file))
    if (file, str(conjunct)) not in EQUIVALENT
]
PLAYED = [(file, scenario) for file in sorted(SCENARIOS) for scenario in SCENARIOS[file]]


@pytest.fixture
def stage(room: Room) -> Room:
    """The room, with short patience for a statement that finds no end."""
    room.link.raw.execute("set statement_timeout = '3s'")
    return room


@pytest.mark.parametrize(
    ("file", "scenario"), PLAYED, ids=lambda each: getattr(each, "__name__", each)
)
def test_the_statements_as_they_are_play_every_scenario(
    stage: Room, file: str, scenario: Scenario
) -> None:
    scenario(stage)


@pytest.mark.parametrize(("file", "conjunct"), MUTANTS, ids=str)
def test_a_statement_without_one_of_its_conditions_is_found_out(
    stage: Room, file: str, conjunct: Conjunct, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant = stage.link.schema.qualify(without(schema.read(file), conjunct)).removesuffix(";")
    rendered = schema._render
    monkeypatch.setattr(
        schema, "_render", lambda known, asked: mutant if asked == file else rendered(known, asked)
    )

    assert any(_is_found_out(stage, scenario) for scenario in SCENARIOS[file])


def test_every_statement_is_played_or_told_why_not() -> None:
    files = {file.stem for file in Path(schema.__file__).with_name("sql").glob("*.sql")}

    assert files == SCENARIOS.keys() | (OTHERS & files)


def test_every_condition_of_a_statement_is_seen() -> None:
    text = "with a as (\n  select from t\n  where x = (select 1)\n    and y\n  order by y\n)\n"
    text += "update t\nset z = 1\nfrom a\nwhere t.id = a.id\n  and (\n    p\n    or q\n  );"

    assert ["x = (select 1)", "y", "t.id = a.id", "( p or q )"] == [*map(str, conjuncts(text))]
    assert "where true\n    and y" in without(text, conjuncts(text)[0])


def test_every_equivalent_condition_is_still_there() -> None:
    held = {(file, str(each)) for file in SCENARIOS for each in conjuncts(schema.read(file))}

    assert EQUIVALENT.keys() <= held


def _is_found_out(room: Room, scenario: Scenario) -> bool:
    room.rows("truncate pgqueue.jobs, pgqueue.attempts, pgqueue.logs, pgqueue.workers")
    try:
        scenario(room)
    except (AssertionError, psycopg.Error):
        return True
    return False
