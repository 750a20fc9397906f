"""The tables of the schema `chaos`: created before a run, filled from the ledger after it."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from chaos import ledger

_SCHEMA = Path(__file__).with_name("schema.sql")

Row = tuple[object, ...]


def prepare(connection: "psycopg.Connection[Any]") -> None:
    """Create the schema and the triggers, in a migrated database."""
    connection.execute(_SCHEMA.read_bytes())


def collect(connection: "psycopg.Connection[Any]", folder: Path) -> None:
    """Copy the ledger's files into the tables of their names."""
    with connection.transaction():
        _copy(connection, "sends (at, key, task, outcome, due_at)", folder, _send)
        _copy(connection, "effects (at, key, job_id, attempt, pid, step)", folder, _effect)
        _copy(connection, "programs (at, job_id, attempt, pid, way, step)", folder, _program)
        _copy(connection, "outlived (at, worker_pid, pid, seconds, command)", folder, _outlived)
        _copy(connection, "faults (at, number, name, step, facts)", folder, _fault)
    connection.execute("create index on chaos.sends (key)")
    connection.execute("create index on chaos.effects (job_id, attempt)")
    connection.execute("analyze")


def _copy(
    connection: "psycopg.Connection[Any]",
    columns: str,
    folder: Path,
    row_of: Callable[[Mapping[str, Any]], Row],
) -> None:
    name = columns.partition(" ")[0]
    connection.execute(f"truncate chaos.{name}".encode())
    with connection.cursor().copy(f"copy chaos.{columns} from stdin".encode()) as copy:
        for line in ledger.read(folder / f"{name}.jsonl"):
            copy.write_row(row_of(line))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(_epoch() + seconds, UTC)


@cache
def _epoch() -> float:
    # All lines share one value, so that their order stays.
    return time.time() - time.monotonic()


def _send(line: Mapping[str, Any]) -> Row:
    return _moment(line["at"]), line["key"], line["task"], line["outcome"], line["due_at"]


def _effect(line: Mapping[str, Any]) -> Row:
    key, job_id, attempt = line["key"], line["job_id"], line["attempt"]
    return _moment(line["at"]), key, job_id, attempt, line["pid"], line["step"]


def _program(line: Mapping[str, Any]) -> Row:
    job_id, attempt, pid = line["job_id"], line["attempt"], line["pid"]
    return _moment(line["at"]), job_id, attempt, pid, line["way"], line["step"]


def _outlived(line: Mapping[str, Any]) -> Row:
    worker_pid, pid, seconds = line["worker_pid"], line["pid"], line["seconds"]
    return _moment(line["at"]), worker_pid, pid, seconds, line["command"]


def _fault(line: Mapping[str, Any]) -> Row:
    facts = json.dumps(line["facts"])
    return _moment(line["at"]), line["number"], line["name"], line["step"], facts
