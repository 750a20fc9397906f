"""The database that a program uses: its checks, and its messages for a person."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pgqueue import embedded
from pgqueue.core.errors import NoDatabase, SchemaMissing
from pgqueue.runtime.target import open_target, open_unchecked, settings_for_inline
from pgqueue.tasks.default import configure, default_client

NEEDS_WHEEL = pytest.mark.skipif(not embedded.is_installed(), reason="needs the extra `embedded`")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, server_folder: Path) -> Path:
    """An empty current folder, an environment without settings, and the default client reset."""
    for name in list(os.environ):
        if name == "DATABASE_URL" or name.startswith("PGQUEUE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(server_folder)
    configure()
    return server_folder


def test_a_target_is_the_default_clients_database(database_url: str) -> None:
    with open_target({"url": database_url, "schema": None}) as target, target.client() as client:
        job = client.enqueue("shop.mail")

        assert not target.is_embedded
        assert job == default_client().job(job.id)

    configure()


def test_a_database_without_the_schema_is_refused_unless_the_program_accepts_any(
    database_url: str,
) -> None:
    flags = {"url": database_url, "schema": "elsewhere"}

    with pytest.raises(SchemaMissing), open_target(flags, migrate_embedded=True):
        pass
    with open_unchecked(flags) as target:
        assert "elsewhere" == target.database.schema.name


def test_without_a_url_and_the_wheel_there_is_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "is_installed", lambda: False)

    with pytest.raises(NoDatabase), open_unchecked({}):
        pass


def test_messages_for_a_person_reach_the_program(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PGQUEUE_GREENLET", "5")
    messages: list[str] = []

    with open_target({"url": database_url}, warn=messages.append):
        pass

    [message] = messages
    assert "PGQUEUE_GREENLETS" in message
    assert ("", "") == capsys.readouterr()


def test_messages_are_events_when_the_program_takes_none(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PGQUEUE_GREENLET", "5")

    with open_target({"url": database_url}):
        pass

    [record] = [record for record in caplog.records if record.name == "pgqueue.settings"]
    assert logging.WARNING == record.levelno
    assert "settings ignored" == record.getMessage()
    assert "PGQUEUE_GREENLETS" in record.__dict__["reason"]


@NEEDS_WHEEL
def test_an_embedded_database_is_migrated_on_demand(
    folder: Path, wait_until_stopped: Callable[[Path], None]
) -> None:
    messages: list[str] = []
    flags = {"url": f"embedded:{folder}"}

    with pytest.raises(SchemaMissing), open_target(flags, warn=messages.append):
        pass
    with open_target(flags, migrate_embedded=True, warn=messages.append) as target:
        with target.client() as client:
            assert 0 == client.count()
        assert target.is_embedded
    configure()
    wait_until_stopped(folder)

    assert ["migrated the embedded database"] == messages


def test_a_task_that_runs_inline_needs_no_database() -> None:
    with settings_for_inline({}) as settings:
        assert settings.url is None


def test_a_task_that_runs_inline_uses_the_database_of_the_settings(database_url: str) -> None:
    with settings_for_inline({"url": database_url}):
        assert database_url == default_client().database.url
