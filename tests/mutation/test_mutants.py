"""A statement without one of its conditions fails a test."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from queue_database import QueueDatabase

from mutation.conjuncts import Conjunct, conjuncts, without
from mutation.detection import emptied, is_detected
from mutation.scenarios import SCENARIOS, Scenario
from pgqueue.store import schema_name

_SCHEMA_SQL = Path(__file__).parents[2] / "pgqueue/schema/sql"

FUNCTIONS = {"cancel", "retry"}
"""Statements whose rule stands in a function of the same name."""

_NOTIFICATION = "a notification carries no data; see tests/process/test_notifications.py"

_MORE_LOCKS = "more rows are locked against their deletion, for that moment"

_MATCHES = (
    "revived.queue = any(listening_queues.queues)",
    "revived.queue ^@ any(listening_queues.prefixes)",
)

_ABOUT_AS_LONG = "The text of arguments that are not compressed is about as long as they are."
_MORE_PRIORITIES = "Entries are read of jobs that are not scheduled any more."
_IS_PLAIN = "pg_column_compression(job.args) is null"
EQUIVALENT = {
    ("promote", "job.status = 'scheduled'"): _MORE_PRIORITIES,
    ("promote", "job.status = 'scheduled' (2)"): _MORE_PRIORITIES,
    ("claim", _IS_PLAIN): _ABOUT_AS_LONG,
    ("read_claimed", _IS_PLAIN): _ABOUT_AS_LONG,
    ("add_log_lines", "job.id = any(array(select line.id from line))"): _MORE_LOCKS,
    ("add_log_lines", "job.keep_seconds = 0::float8"): _MORE_LOCKS,
    ("cancel", "worker.id = requested.worker_id"): _NOTIFICATION,
    **{("retry", condition): _NOTIFICATION for condition in _MATCHES},
}
"""Conditions without which a statement passes every scenario, and the reason of each."""

EXEMPT = {
    *("enqueue", "enqueue_by_name", "copy_jobs", "notify", "notify_requests"),  # new rows
    *(
        "record_tasks",
        "register_supervisor",
        "announce_supervisor",
        "stop_supervisor",
    ),  # rows of the caller itself
    *(
        "find_ready",
        "resolve_due_times",
        "count_unfinished",
        "allow_idle_transaction",
        "shorten_lock_timeout",
    ),  # queries that decide nothing
    *("first_scheduled", "first_expired", "first_prunable"),  # which job was refused
    *(
        "read_job",
        "list_attempts",
        "list_logs",
        "list_last_logs",
        "list_unknown_tasks",
        "read_schema_version",
        "find_schema",
    ),
    "count_connections",
}
"""Statements by which no worker and no supervisor changes the rows of others."""


def _text(file: str) -> str:
    """The text of a statement, or of its function in the newest migration that has it."""
    if file not in FUNCTIONS:
        return schema_name.read(file)
    newest = max(_SCHEMA_SQL.glob(f"*/functions/{file}.sql"))
    text = schema_name.read(f"schema:{newest.parents[1].name}/functions/{file}")
    return re.sub(r"^create (or replace )?", "", text)


MUTANTS = [
    (file, conjunct)
    for file in sorted(SCENARIOS)
    for conjunct in conjuncts(_text(file))
    if (file, str(conjunct)) not in EQUIVALENT
]
PAIRS = [(file, scenario) for file in sorted(SCENARIOS) for scenario in SCENARIOS[file]]


@pytest.fixture
def empty_db(db: QueueDatabase) -> QueueDatabase:
    """The empty database, with a short timeout for a statement that does not end."""
    db.link.raw.execute("set statement_timeout = '3s'")
    return emptied(db)


@pytest.fixture
def replace_statement(
    empty_db: QueueDatabase, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str], None]]:
    """Replaces the text of a statement until the end of the test."""
    rendered, altered = schema_name._render, []

    def replace_statement(file: str, text: str) -> None:
        mutant = empty_db.link.schema.qualify(text).removesuffix(";")
        if file in FUNCTIONS:
            altered.append(file)
            empty_db.link.raw.execute(f"create or replace {mutant}".encode())
        else:
            monkeypatch.setattr(
                schema_name,
                "_render",
                lambda schema, name: mutant if name == file else rendered(schema, name),
            )

    yield replace_statement
    for file in {*altered}:
        replace_statement(file, _text(file))


@pytest.mark.parametrize(
    ("file", "scenario"), PAIRS, ids=lambda value: getattr(value, "__name__", value)
)
def test_the_unchanged_statements_pass_every_scenario(
    empty_db: QueueDatabase, file: str, scenario: Scenario
) -> None:
    scenario(empty_db)


@pytest.mark.parametrize(("file", "conjunct"), MUTANTS, ids=str)
def test_a_statement_without_one_of_its_conditions_fails_a_scenario(
    empty_db: QueueDatabase,
    replace_statement: Callable[[str, str], None],
    file: str,
    conjunct: Conjunct,
) -> None:
    replace_statement(file, without(_text(file), conjunct))

    assert any(is_detected(emptied(empty_db), scenario) for scenario in SCENARIOS[file])


def test_every_statement_has_a_scenario_or_is_exempt() -> None:
    files = {file.stem for file in Path(schema_name.__file__).with_name("sql").glob("*.sql")}

    assert files == SCENARIOS.keys() | (EXEMPT & files)


def test_every_condition_of_a_statement_is_found() -> None:
    text = """
        select case n when 1 then p end, case when x = (select 1 where q) then 2 else 3 end
        from t join a on t.id = a.id
        where exists (select from b where b.x = any(t.y)) and not (p and (q or 'x and y' = r));
    """

    assert [
        "x = (select 1 where q)", "q", "t.id = a.id", "exists (select from b where b.x = any(t.y))",
        "b.x = any(t.y)", "not (p and (q or 'x and y' = r))", "p", "(q or 'x and y' = r)", "q (2)",
        "'x and y' = r",
    ] == [*map(str, conjuncts(text))]  # fmt: skip
    assert "case when false then 2" in without(text, conjuncts(text)[0])
    assert "and not (true and (q" in without(text, conjuncts(text)[6])
    assert "(p and (false or 'x and y' = r))" in without(text, conjuncts(text)[8])


@pytest.mark.parametrize(
    "text",
    ["select p and q;", "select from t where p and q or r;", "select from t where p = (q and r);"],
)
def test_a_condition_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"read|brackets"):
        conjuncts(text)


@pytest.mark.parametrize(("file", "condition"), EQUIVALENT)
def test_a_statement_without_an_equivalent_condition_passes_every_scenario(
    empty_db: QueueDatabase,
    replace_statement: Callable[[str, str], None],
    file: str,
    condition: str,
) -> None:
    [conjunct] = [candidate for candidate in conjuncts(_text(file)) if str(candidate) == condition]
    replace_statement(file, without(_text(file), conjunct))

    for scenario in SCENARIOS[file]:
        scenario(emptied(empty_db))
