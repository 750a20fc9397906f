"""An enqueue is independent of the settings of the caller's connection, and changes none."""

import re
from datetime import UTC
from typing import Any

import psycopg
import pytest
from applications import NEW, SCHEMA, Application, execute, perform
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.types.string import StrDumper
from queue_database import QueueDatabase

from pgqueue.core.job import Job


@pytest.mark.own_session
def test_every_kind_of_connection_sends_the_server_one_text(
    db: QueueDatabase, orders: None, database_url: str, application: Application
) -> None:
    async def work() -> str:
        await application.enqueue(NEW)
        pid = application.raw().info.backend_pid
        statement = "select query from pg_stat_activity where pid = %(pid)s"
        query: str = db.row(statement, pid=pid)[0]
        return query

    answer = perform(application, database_url, work)

    expected = re.sub(r"%\((\w+)\)s", "$", SCHEMA.render("enqueue"))
    assert expected.startswith(re.sub(r"\$\d+", "$", answer))
    assert 1_000 <= len(answer) <= 1_024  # the server shows 1,024 bytes


class UpperCase(StrDumper):
    """Writes every text in capitals."""

    def dump(self, obj: str) -> Buffer | None:
        return obj.upper().encode()


class WrongBinary(Loader):
    """Reads every value as one wrong text."""

    format = psycopg.pq.Format.BINARY

    def load(self, data: Buffer) -> object:
        return "wrong"


@pytest.mark.parametrize("is_global", [True, False])
def test_a_callers_adapters_change_neither_stored_values_nor_returned_jobs(
    db: QueueDatabase,
    orders: None,
    database_url: str,
    application: Application,
    is_global: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if is_global:
        adapters_copy = psycopg.adapt.AdaptersMap(psycopg.adapters)
        for name in ("_dumpers", "_dumpers_by_oid", "_loaders"):
            monkeypatch.setattr(psycopg.adapters, name, getattr(adapters_copy, name))

    async def work() -> Job:
        await application.write()
        adapters = psycopg.adapters if is_global else application.raw().adapters
        adapters.register_dumper(str, UpperCase)
        for name in ("int8", "text", "timestamptz"):
            adapters.register_loader(name, WrongBinary)
        job = await application.enqueue(NEW)
        await application.enqueue_many([NEW])
        await application.commit()
        return job

    job = perform(application, database_url, work)

    assert job == db.job(job.id)
    assert [("shop.mail", 2)] == db.rows("select task, count(*) from pgqueue.jobs group by task")


class Wrong(Loader):
    """Reads every value in text format as one wrong text."""

    timezone = UTC  # Django reads it from a loader of moments

    def load(self, data: Buffer) -> object:
        return "wrong"


def test_a_callers_loaders_do_not_change_returned_jobs(
    db: QueueDatabase, orders: None, database_url: str, application: Application
) -> None:
    async def work() -> tuple[Job, Any]:
        await application.write()
        adapters = application.raw().adapters
        for name in ("int8", "int4", "text", "json", "jsonb", "timestamptz", "float8", "bool"):
            adapters.register_loader(name, Wrong)
        for setting in ("datestyle = 'German'", "timezone = 'Asia/Tokyo'"):
            await execute(application, f"set {setting}")
        job = await application.enqueue(NEW)
        await application.enqueue_many([NEW])
        await application.commit()
        [(answer,)] = await application.query("select 1::bigint")
        return job, answer

    job, answer = perform(application, database_url, work)

    assert job == db.job(job.id)
    assert (NEW.run_after, {"to": ["ü", 1, 2.5, None]}) == (job.run_at, job.args)
    assert UTC is job.created_at.tzinfo
    assert (NEW.run_after, NEW.run_after) == db.row(
        "select min(run_at), max(run_at) from pgqueue.jobs"
    )
    assert "wrong" == answer


def test_an_enqueue_changes_no_setting_of_the_callers_connection(
    db: QueueDatabase, orders: None, database_url: str, application: Application
) -> None:
    async def settings() -> dict[str, object]:
        raw = application.raw()
        session = await application.query(
            "select name, setting from pg_settings where name <> 'transaction_read_only'"
        )
        return {
            "row_factory": raw.row_factory,
            "cursor_factory": raw.cursor_factory,
            "autocommit": raw.autocommit,
            "isolation_level": raw.isolation_level,
            "read_only": raw.read_only,
            "deferrable": raw.deferrable,
            "prepare_threshold": raw.prepare_threshold,
            "prepared_max": raw.prepared_max,
            "loaders": [
                raw.adapters.get_loader(raw.adapters.types[name].oid, format)
                for name in ("jsonb", "json", "timestamptz", "int8", "text")
                for format in psycopg.pq.Format
            ],
            "session": dict(session),
        }

    async def work() -> tuple[object, object]:
        await application.write()
        raw = application.raw()
        psycopg.types.json.set_json_loads(str, raw)
        before = await settings()
        await application.enqueue(NEW)
        await application.enqueue_many([NEW, NEW])
        after = await settings()
        await application.rollback()
        return before, after

    before, after = perform(application, database_url, work)

    assert before == after
