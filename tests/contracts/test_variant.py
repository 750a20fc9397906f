"""The variant of this run is in force where the tests look."""

from typing import Any

import psycopg
import pytest
import variant

from pgqueue import Client
from pgqueue.store.connection.database import libpq_url
from pgqueue.store.connection.link import Link


def test_a_session_of_a_user_begins_with_the_variants_settings(database_url: str) -> None:
    told = variant.chosen().settings

    with psycopg.connect(libpq_url(database_url)) as connection:
        found = {name: _shown(connection, name) for name in told}

    assert {name: value.strip("'") for name, value in told.items()} == found


def test_a_session_of_ours_begins_with_our_own(link: Link) -> None:
    names = ("default_transaction_isolation", "statement_timeout", "search_path")

    found = [_shown(link.raw, name) for name in names if not link.is_pooled]

    assert found in ([], ["read committed", "20s", "pg_catalog, pg_temp"])


def test_ids_begin_where_the_variant_says(client: Client) -> None:
    first_id = variant.chosen().first_id or 1

    job = client.enqueue("t")

    assert (first_id, first_id) == (job.id, job.position)


def test_a_variant_that_nobody_knows_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_VARIANT", "strange")

    with pytest.raises(pytest.UsageError, match="serializable, hurried"):
        variant.chosen()


def _shown(connection: "psycopg.Connection[Any]", name: str) -> str:
    ((value,),) = connection.execute(f"show {name}".encode()).fetchall()
    return str(value)
