"""The variant of this run applies to the databases of the tests."""

from typing import Any

import psycopg
import pytest
import variant

from pgqueue import Client
from pgqueue.store.connection.database import libpq_url
from pgqueue.store.connection.link import Link


def test_a_session_of_a_user_has_the_settings_of_the_variant(database_url: str) -> None:
    settings = variant.chosen().settings

    with psycopg.connect(libpq_url(database_url)) as connection:
        shown = {name: _shown(connection, name) for name in settings}

    assert {name: value.strip("'") for name, value in settings.items()} == shown


def test_a_session_of_the_library_has_its_own_settings(link: Link) -> None:
    names = ("default_transaction_isolation", "statement_timeout", "search_path")

    values = [_shown(link.raw, name) for name in names if not link.is_pooled]

    assert values in ([], ["read committed", "20s", "pg_catalog, pg_temp"])


def test_ids_begin_at_the_first_id_of_the_variant(client: Client) -> None:
    first_id = variant.chosen().first_id or 1

    job = client.enqueue("t")

    assert (first_id, first_id) == (job.id, job.position)


def test_an_unknown_variant_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_VARIANT", "strange")

    with pytest.raises(pytest.UsageError, match="serializable, hurried"):
        variant.chosen()


def _shown(connection: "psycopg.Connection[Any]", name: str) -> str:
    ((value,),) = connection.execute(f"show {name}".encode()).fetchall()
    return str(value)
