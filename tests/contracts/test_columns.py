"""Each list of columns that SQL repeats is the declared list, in its order."""

import re
from dataclasses import fields

import pytest

from pgqueue.core.job import Job, UnknownTaskRecord
from pgqueue.core.new_job import NewJob
from pgqueue.store import columns
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.enqueueing import InsertedRow
from pgqueue.store.logs import NewLogLine
from pgqueue.store.orphans import OrphanedJob
from pgqueue.store.queues import ReadyRow, UnfinishedJobs
from pgqueue.store.reports.jobs import list_jobs
from pgqueue.store.requests import Request
from pgqueue.store.schema_name import read
from pgqueue.store.settlements import Settlement
from pgqueue.store.tables import jobs, logs
from pgqueue.store.workers import OverdueJob

NEW_JOBS = "schema:0001/views/new_jobs"
ENQUEUE_NAMED = "schema:0001/functions/enqueue_named"


def _in_brackets(file: str, opening: str) -> list[str]:
    """The names in the brackets behind a text."""
    match = re.search(re.escape(opening) + r"\s*\(([^()]*)\)", read(file))
    assert match, f"{file} has no {opening!r}"
    return [name.split()[0] for name in match[1].split(",")]


def _selected(file: str) -> list[str]:
    """The columns of the longest SELECT of a file, which lists one column a line."""
    text = read(file)
    body = max(
        re.findall(r"select\n((?:\s+\S.*\n)+?)\s*from ", text), key=lambda body: body.count("\n")
    )
    return [re.sub(r"::\w+", "", line).strip(" ,").rpartition(".")[2] for line in body.splitlines()]


def _answered(file: str) -> list[str]:
    """The names of the columns of a statement's answer, from its last clause that lists some."""
    text = read(file)
    [*_, clause] = re.findall(
        r"^(?:select|returning)\b(.*?)(?=^from\b|^where\b|;|\Z)", text, re.M | re.S
    )
    names, expression, depth = [], "", 0
    for character in f"{clause},":
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            names.append(re.split(r"[\s.]", expression.strip())[-1])
            expression = ""
        else:
            expression += character
    return names


@pytest.mark.parametrize("file", ["read_job", "enqueue_by_name"])
def test_a_job_is_read_with_the_declared_columns(file: str) -> None:
    assert list(columns.JOB) == _selected(file)


def test_a_report_reads_the_declared_columns() -> None:
    report = list_jobs({}, limit=1)

    selected = str(report.query).partition("FROM")[0]
    assert list(columns.JOB) == re.findall(r"jobs\.(\w+)", selected)


@pytest.mark.parametrize(
    ("file", "opening"),
    [
        ("enqueue", "insert into pgqueue.new_jobs as job"),
        ("copy_jobs", "copy pgqueue.jobs"),
        (ENQUEUE_NAMED, "insert into pgqueue.jobs as job"),
        ("schema:roles/enqueue", "grant insert"),
    ],
)
def test_a_new_job_is_inserted_with_the_declared_columns(file: str, opening: str) -> None:
    assert list(columns.INSERTED) == _in_brackets(file, opening)


def test_the_view_of_new_jobs_has_the_inserted_and_the_returned_columns() -> None:
    names = _selected(NEW_JOBS)

    assert {*columns.INSERTED, *columns.RETURNED} == {*names}
    assert names == [column.name for column in jobs.c if column.name in names]


def test_every_option_of_a_new_job_is_inserted() -> None:
    resolved = {"run_after": "run_at", "expires_after_seconds": "expires_at"}

    options = {resolved.get(name, name) for name in NewJob._fields}

    assert {*columns.INSERTED} == options | {"status"}
    assert {*columns.INSERTED} <= {column.name for column in jobs.c}


@pytest.mark.parametrize(
    "name", [name for name in NewJob._fields if name not in ("task", "args", "run_after", "tags")]
)
def test_an_option_can_be_given_by_name(name: str) -> None:
    assert f"options ->> '{name}'" in read(ENQUEUE_NAMED)


def test_a_claim_and_its_recovery_return_the_declared_columns() -> None:
    names = list(ClaimedAttempt._fields)

    assert names == _selected("read_claimed")
    assert names == _selected("claim")[: len(names)]


@pytest.mark.parametrize(
    ("file", "row"),
    [
        ("count_unfinished", UnfinishedJobs),
        ("enqueue", InsertedRow),
        ("find_orphaned", OrphanedJob),
        ("find_overdue", OverdueJob),
        ("find_ready", ReadyRow),
        ("list_unknown_tasks", UnknownTaskRecord),
        ("open_requests", Request),
    ],
)
def test_a_row_has_the_fields_of_its_class_in_their_order(file: str, row: type) -> None:
    names = getattr(row, "_fields", None) or columns.field_names(row)

    assert list(names) == _answered(file)


def test_attempts_and_log_lines_are_read_with_the_declared_columns() -> None:
    selects = [
        re.sub(r"\w+\.", "", match).replace("\n", " ").split(", ")
        for file in ("list_logs", "list_last_logs")
        for match in re.findall(r"select (.*)\nfrom", read(file))
    ]

    assert list(columns.ATTEMPT) == _selected("list_attempts")
    assert [list(columns.LOG_LINE)] * len(selects) == selects != []


def test_a_settlement_is_read_with_the_declared_columns() -> None:
    names = {field.name for field in fields(Settlement)}

    assert names == {*_in_brackets("settle", "as entry")}


def test_a_log_line_is_written_with_the_declared_columns() -> None:
    names = {field.name for field in fields(NewLogLine)}

    assert names == {*_in_brackets("add_log_lines", "json_to_recordset(%(lines)s::json) as")}
    assert {"level", "logger", "message", "number"} <= {column.name for column in logs.c}


def test_every_column_that_people_read_is_one_of_the_table() -> None:
    assert {*columns.JOB} <= {column.name for column in jobs.c}
    assert [*columns.JOB] == [field.name for field in fields(Job) if not field.name.startswith("_")]
