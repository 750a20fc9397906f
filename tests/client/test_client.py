"""`Client` itself: its database, its settings, its imports, and the verbs of its jobs."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from pgqueue.client.client import Client
from pgqueue.core.errors import (
    DatabaseUnreachable,
    JobGone,
    NoDatabase,
    UnsupportedConnection,
    WrongStatus,
)
from pgqueue.core.job import Job, JobVerbs
from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.new_job import NewJob
from pgqueue.schema import migrate
from pgqueue.store import enqueueing
from pgqueue.store.connection.database import libpq_url
from pgqueue.store.connection.link import Link
from pgqueue.store.jobs import job_from
from pgqueue.store.statement import run

if TYPE_CHECKING:
    from queue_database import QueueDatabase


def test_a_client_has_the_verbs_that_a_job_needs(client: Client) -> None:
    verbs: JobVerbs = client

    assert client is verbs


def test_an_inserted_job_is_complete_for_every_reader(client: Client) -> None:
    def inserted() -> Job:
        return client.insert(NewJob("t", '{"n": 1}', tags=("a",)))

    assert {"n": 1} == copy.copy(inserted()).args
    assert ("a",) == replace(inserted(), priority=3).tags
    assert f"task={'t'!r}" in repr(inserted())
    assert inserted() != inserted()
    # Type checkers refuse these two lines as well; a program without one gets an error.
    with pytest.raises(AttributeError, match="'colour'"):
        _ = inserted().colour  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError):
        inserted().task = "u"  # type: ignore[misc]


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize(
    "hand_on",
    [
        lambda job: pickle.loads(pickle.dumps(job)),
        copy.copy,
        copy.deepcopy,
        replace,
        lambda job: job,
    ],
    ids=["pickled", "copied", "copied deeply", "replaced", "itself"],
)
def test_an_inserted_job_that_was_never_read_is_handed_on_complete(
    client: Client, link: Link, hand_on: Callable[[Job], Job], is_closed: bool
) -> None:
    job = run(link, enqueueing.enqueue(NewJob("t", '{"n": 1}', tags=("a",))))
    # No other signal shows that the row of a lazy job was not decoded yet.
    make = job._make
    if is_closed:
        link.close()

    other = hand_on(job)

    assert make is not None
    assert (other, job) == (client.job(job.id), other)


@pytest.mark.parametrize("name", ["pgqueue", 'a"b', "it's"])
def test_every_verb_works_under_any_name_of_the_schema(database_url: str, name: str) -> None:
    migrate.upgrade(database_url, name)
    with Client(database_url, schema=name) as client:
        job = client.enqueue("shop.mail", {"to": 1}, tags=["it's"])
        client.insert_many([NewJob("pgqueue.jobs", '{"text": "pgqueue.jobs"}')])

        [by_copy] = client.jobs(task="pgqueue.*", args={"text": "pgqueue.jobs"}, limit=1)
        cancelled = client.cancel(job.id)

        assert "pgqueue.jobs" == by_copy.task
        assert {job.id: JobStatus.CANCELLED} == cancelled
        assert [] == client.tasks() == client.workers.list() == client.attempts(job.id)
        assert client.count(task="shop.mail", status="cancelled", tags="it's") >= 1
        client.cancel(task="*")


def test_a_jobs_own_verb_names_the_status_that_forbids_it(
    client: Client, db: "QueueDatabase"
) -> None:
    job = client.insert(NewJob("t"))

    with pytest.raises(WrongStatus, match="is queued, which does not allow to retry"):
        job.retry()
    cancelled = job.cancel()
    with pytest.raises(WrongStatus, match="is cancelled, which does not allow to cancel"):
        job.cancel()
    retried = cancelled.retry()
    db.rows("delete from pgqueue.jobs")
    with pytest.raises(JobGone):
        job.cancel()

    assert ("cancelled", "queued") == (cancelled.status, retried.status)


def test_a_job_that_came_from_no_client_has_no_database(client: Client, link: Link) -> None:
    job = client.insert(NewJob("t"))
    [row] = link.fetch(link.schema.render("read_job"), {"job_id": job.id})

    with pytest.raises(NoDatabase):
        job_from(row).refresh()


def test_arguments_that_a_client_does_not_get_come_from_the_settings(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGQUEUE_URL", "DATABASE_URL", "PGQUEUE_SCHEMA"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NoDatabase):
        Client()

    monkeypatch.setenv("PGQUEUE_URL", database_url)
    monkeypatch.setenv("PGQUEUE_SCHEMA", "elsewhere")
    with_schema, without = Client(schema="pgqueue"), Client()

    assert (database_url, "pgqueue") == (with_schema.database.url, with_schema.database.schema.name)
    assert (database_url, "elsewhere") == (without.database.url, without.database.schema.name)


def test_an_engine_gives_its_url_with_the_password() -> None:
    engine = create_engine("postgresql+psycopg://me:s3cret%20@somewhere:5/else")

    assert "postgresql+psycopg://me:s3cret%20@somewhere:5/else" == Client(engine).database.url


@pytest.mark.parametrize("create", [create_engine, create_async_engine])
def test_a_client_of_an_engine_enqueues(database_url: str, create: Callable[[str], Any]) -> None:
    engine = create("postgresql+psycopg://" + libpq_url(database_url).split("://", 1)[1])

    with Client(engine) as client:
        assert "t" == client.enqueue("t").task


@pytest.mark.parametrize("value", [create_engine("sqlite://"), 42])
def test_a_client_of_another_object_is_refused(value: Any) -> None:
    with pytest.raises(UnsupportedConnection):
        Client(value)


def test_a_server_that_does_not_answer_is_an_error_of_its_own() -> None:
    with pytest.raises(DatabaseUnreachable, match="cannot be used"):
        Client("postgresql://nobody@127.0.0.1:1/nowhere").enqueue("t")


def test_enqueueing_loads_no_sqlalchemy(database_url: str) -> None:
    code = (
        "import sys; from pgqueue.client.client import Client;"
        "client = Client(sys.argv[1]); client.enqueue('t').cancel(); client.close();"
        "print([name for name in ('sqlalchemy', 'alembic', 'pydantic') if name in sys.modules])"
    )

    process = subprocess.run(
        [sys.executable, "-c", code, database_url], capture_output=True, text=True, check=True
    )

    assert "[]" == process.stdout.strip()


def test_a_job_is_pickled_without_its_client_and_copied_with_it(client: Client) -> None:
    for job in (client.insert(NewJob("t", '{"n": [1]}')), client.jobs()[0]):
        read = pickle.loads(pickle.dumps(job))
        copied = copy.deepcopy([job])[0]

        assert job == read == copied == copy.copy(job)
        assert copied.args is not job.args
        assert copied.refresh() == copy.copy(job).refresh() == job
        with pytest.raises(NoDatabase):
            read.refresh()
