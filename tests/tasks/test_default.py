"""The default client: made once, from what was configured or set."""

import threading

import psycopg
import pytest

import pgqueue
from pgqueue import EmbeddedUnavailable, InvalidOption, NoDatabase
from pgqueue.tasks.default import client_for, configure, default_client


def test_without_a_url_there_is_no_default_client():
    with pytest.raises(NoDatabase, match="PGQUEUE_URL"):
        default_client()


def test_a_callers_connection_needs_no_url(monkeypatch):
    monkeypatch.setenv("PGQUEUE_SCHEMA", "queue")

    client = client_for(object())

    assert "queue" == client.database.schema.name


def test_the_client_for_callers_connections_is_made_once():
    first = client_for(object())

    assert first is client_for(object())
    configure(schema="configured")
    assert "configured" == client_for(object()).database.schema.name


def test_a_configured_value_goes_before_the_settings(monkeypatch):
    monkeypatch.setenv("PGQUEUE_URL", "postgresql://settings.invalid/db")
    monkeypatch.setenv("PGQUEUE_SCHEMA", "from_settings")

    from_settings = default_client().database
    configure(url="postgresql://configured.invalid/db", schema="configured")
    configured = default_client().database

    assert "postgresql://settings.invalid/db" == from_settings.url
    assert "from_settings" == from_settings.schema.name
    assert "postgresql://configured.invalid/db" == configured.url
    assert "configured" == configured.schema.name


def test_threads_share_one_client(monkeypatch):
    monkeypatch.setenv("PGQUEUE_URL", "postgresql://settings.invalid/db")
    start = threading.Barrier(8)
    clients = []

    def get():
        start.wait()
        clients.append(default_client())

    threads = [threading.Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 == len(set(map(id, clients)))


def test_the_embedded_server_is_not_started_by_a_program(monkeypatch):
    monkeypatch.setenv("PGQUEUE_URL", "embedded:")

    with pytest.raises(EmbeddedUnavailable, match="commands of `pgqueue`"):
        default_client()


def test_enqueueing_by_name_checks_the_options():
    with pytest.raises(InvalidOption, match="Did you mean 'queue'"):
        pgqueue.enqueue("shop.f", {}, qeue="mail")


def test_a_job_of_a_callers_connection_has_no_database_to_be_read_from(database_url):
    with psycopg.connect(database_url) as connection:
        job = pgqueue.enqueue("shop.f", {}, connection=connection)

    with pytest.raises(NoDatabase):
        job.refresh()
