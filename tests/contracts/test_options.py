"""Every list that repeats an option agrees with its declaration.

An option is declared once, in `core/options/declaration.py`. Type checkers, SQL and pages name it
again. Each test here answers with the sentences that say what lacks it, or has too much.
"""

import inspect
import json
import re
import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Unpack

import pytest

from pgqueue import Client, Task, task
from pgqueue.core.new_job import NewJob
from pgqueue.core.options import CallKeywords, CallOptions, TaskKeywords, TaskOptions
from pgqueue.core.options.declaration import (
    CALL_OPTIONS,
    LATER,
    OPTIONS,
    TASK_OPTIONS,
    JobOption,
)
from pgqueue.store import schema_name
from pgqueue.store.connection.link import Link
from pgqueue.store.tables import metadata

ROOT = Path(__file__).parents[2]
PAGE = "docs/reference/tasks-and-jobs.md"

Declared = Mapping[str, JobOption[typing.Any]]

COLUMNS = [column for option in OPTIONS for column in option.columns]

# A column of the table that has another name than the field of NewJob.
STORED = {"run_after": "run_at", "expires_after_seconds": "expires_at"}

# The columns of an insert that no option decides.
NO_OPTION = {"task", "args", "status"}


def differences(where: str, expected: Iterable[str], found: Iterable[str]) -> list[str]:
    """The sentences that say what *where* lacks and what it has too much."""
    expected, found = set(expected), set(found)
    return [
        *(f"{name!r} is missing in {where}" for name in sorted(expected - found)),
        *(f"{name!r} in {where} is not declared" for name in sorted(found - expected)),
    ]


def test_the_typed_forms_have_every_declared_option() -> None:
    assert [] == [
        *differences("TaskOptions", TASK_OPTIONS, [field.name for field in fields(TaskOptions)]),
        *differences("CallOptions", CALL_OPTIONS, [field.name for field in fields(CallOptions)]),
        *differences("TaskKeywords", TASK_OPTIONS, TaskKeywords.__annotations__),
        *differences("CallKeywords", CALL_OPTIONS, CallKeywords.__annotations__),
    ]


def test_an_option_is_typed_alike_where_it_is_written_twice() -> None:
    tasks, calls = typing.get_type_hints(TaskOptions), typing.get_type_hints(CallOptions)
    keywords = typing.get_type_hints(TaskKeywords), typing.get_type_hints(CallKeywords)
    unset = typing.get_type_hints(CallOptions)["tags"].__args__[-1]

    assert [] == [
        *(f"{name!r} in TaskKeywords" for name in tasks if tasks[name] != keywords[0][name]),
        *(
            f"{name!r} in CallKeywords"
            for name in calls
            if calls[name] not in (keywords[1][name], keywords[1][name] | unset)
        ),
    ]


def test_an_option_of_a_later_release_is_not_declared_yet() -> None:
    assert set() == LATER & {option.name for option in OPTIONS}


def test_a_new_job_has_the_column_of_every_option_and_its_default() -> None:
    defaults = NewJob("shop.f")._asdict()
    declared = {
        column: value
        for option in OPTIONS
        for column, value in option.column_values(option.check(option.default)).items()
    }

    assert [] == differences("NewJob", {*COLUMNS, "task", "args"}, NewJob._fields)
    assert {} == {
        column: f"NewJob has {defaults[column]!r}, and the declaration {value!r}"
        for column, value in declared.items()
        if defaults[column] != value
    }


def test_an_option_names_the_columns_that_it_returns() -> None:
    for option in OPTIONS:
        values = option.column_values(option.check(option.default))

        assert [] == differences(f"columns of {option.name}", values, option.columns)


@pytest.mark.parametrize(
    "where, docstring, declared",
    [
        ("the docstring of @task", task.__doc__, TASK_OPTIONS),
        ("the docstring of Task.using", Task.using.__doc__, CALL_OPTIONS),
    ],
    ids=["task", "using"],
)
def test_a_docstring_says_of_each_option_what_the_declaration_says(
    where: str, docstring: str, declared: Declared
) -> None:
    arguments = inspect.cleandoc(docstring).partition("Args:\n")[2].partition("\n\n")[0]
    entries = {
        match[1]: " ".join(match[2].split())
        for match in re.finditer(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", arguments, re.M)
    }

    assert [] == differences(where, declared, entries)
    assert {} == {
        name: f"{where} says {text!r}, and the declaration {declared[name].text!r}"
        for name, text in entries.items()
        if text != declared[name].text
    }


@pytest.mark.parametrize("verb", ["enqueue", "aenqueue"])
def test_a_client_takes_the_options_of_a_call(verb: str) -> None:
    options = inspect.signature(getattr(Client, verb)).parameters["options"]

    assert Unpack[CallKeywords] == options.annotation


def test_the_reference_has_a_row_for_each_option_of_a_task() -> None:
    section = _section("## Options of `@task`")
    rows = re.findall(r"^\| `(\w+)` \|", section, re.M)

    assert [] == differences(f"the options of @task in {PAGE}", TASK_OPTIONS, rows)


def test_the_reference_names_each_option_of_a_call() -> None:
    words = set(re.findall(r"`(\w+)`", _section("## Options of `.using()`")))

    assert [] == [f"{name!r} is missing in {PAGE}" for name in CALL_OPTIONS if name not in words]


@pytest.mark.parametrize("name", ["enqueue", "copy_jobs", "roles/enqueue"])
def test_a_statement_lists_the_column_of_every_option(name: str) -> None:
    [path] = [
        path
        for folder in ("pgqueue/store/sql", "pgqueue/schema/sql")
        if (path := ROOT / folder / f"{name}.sql").exists()
    ]
    where = str(path.relative_to(ROOT))
    [columns] = re.findall(r"\(\s*(queue,[^)]*?)\)", path.read_text())

    assert [] == differences(where, _stored_columns(), re.findall(r"\w+", columns))


def test_the_statement_that_inserts_a_job_takes_every_column_as_a_parameter() -> None:
    path = ROOT / "pgqueue/store/sql/enqueue.sql"
    parameters = set(re.findall(r"%\((\w+)\)s", path.read_text()))
    expected = {*COLUMNS, "task", "args", "run_at", "run_after_seconds"} - {"run_after"}

    assert [] == differences("the parameters of store/sql/enqueue.sql", expected, parameters)


def test_the_table_and_the_view_of_new_jobs_have_the_column_of_every_option(link: Link) -> None:
    [table] = [table for table in metadata.tables.values() if table.name == "jobs"]
    rows = link.fetch("select * from pgqueue.new_jobs limit 0", {})
    view = link.fetch(
        "select attname::text from pg_attribute "
        "where attrelid = 'pgqueue.new_jobs'::regclass and attnum > 0",
        {},
    )

    assert [] == list(rows)
    assert [] == _missing("store/tables.py", {column.name for column in table.columns})
    assert [] == _missing("the view pgqueue.new_jobs", {name for (name,) in view})


def test_enqueueing_by_name_takes_every_recorded_column(link: Link) -> None:
    [(text,)] = link.fetch(
        "select pg_get_functiondef(oid) from pg_proc "
        "where proname = 'enqueue_named' and pronamespace = 'pgqueue'::regnamespace",
        {},
    )
    [inserted] = re.findall(r"INSERT INTO pgqueue\.jobs AS job \(([^)]*)\)", text)
    read = set(re.findall(r"options\s*(?:->>|->|\?)\s*'(\w+)'", text))
    where = "the function pgqueue.enqueue_named"

    assert [] == differences(where, _stored_columns(), re.findall(r"\w+", inserted))
    assert [] == differences(f"options that {where} reads", {*COLUMNS} - {"run_after"}, read)


def test_the_check_of_options_lists_every_recorded_column() -> None:
    [types] = re.findall(
        r"types constant jsonb = '([^']*)'",
        schema_name.read("schema:0001/functions/checked_options"),
    )

    assert [] == differences("checked_options", {*COLUMNS} - {"run_after"}, set(json.loads(types)))


def test_a_missing_option_is_named_with_the_list_that_lacks_it() -> None:
    assert ["'b' is missing in a list", "'c' in a list is not declared"] == differences(
        "a list", ["a", "b"], ["a", "c"]
    )


def _section(heading: str) -> str:
    return (ROOT / PAGE).read_text().partition(f"{heading}\n")[2].partition("\n## ")[0]


def _stored_columns() -> set[str]:
    return {STORED.get(column, column) for column in COLUMNS} | NO_OPTION


def _missing(where: str, found: set[str]) -> list[str]:
    return [f"{name!r} is missing in {where}" for name in sorted(_stored_columns() - found)]
