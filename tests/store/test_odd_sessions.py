"""Settings of a role or of a pooler that would break our statements."""

from datetime import UTC, datetime

import psycopg
import pytest
from pgbouncer import pgbouncer
from queue_database import QueueDatabase

from pgqueue.core.errors import AccessDenied, DatabaseUnreachable
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.new_job import NewJob
from pgqueue.store import bulk_insert, enqueueing
from pgqueue.store.connection.adopt import adopt
from pgqueue.store.connection.database import Database
from pgqueue.store.schema_name import Schema
from pgqueue.store.statement import run

pytestmark = pytest.mark.own_session

NEW = [
    NewJob("t"),
    NewJob("t", run_after=60.0),
    NewJob("t", run_after=datetime(2100, 1, 1, tzinfo=UTC), expires_after_seconds=5.0),
]


@pytest.fixture(
    params=[
        "array_nulls = off",
        "restrict_nonsystem_relation_kind = 'view'",
        "transaction_timeout = '1ms'",
    ]
)
def odd_url(db: QueueDatabase, database_url: str, request: pytest.FixtureRequest) -> str:
    """A database whose sessions begin with a setting that breaks some statements."""
    name = request.param.partition(" ")[0]
    if db.row("select current_setting(%(name)s, true) is null", name=name) == (True,):
        pytest.skip("this server does not know the setting")
    database = db.row("select current_database()")[0]
    db.link.raw.execute(f"alter database {database} set {request.param}".encode())
    return database_url


def test_our_own_sessions_replace_what_a_role_has_set(odd_url: str) -> None:
    link = Database(odd_url).open()
    db = QueueDatabase(link)
    with link.transaction():
        bulk_insert.insert(link, NEW, 100)
        link.fetch("select pg_sleep(0.02)", {})
    claimed = db.claim_new(queue="other")
    db.settle(claimed, Outcome.SUCCEEDED)

    assert JobStatus.SUCCEEDED == db.job(claimed.id).status
    assert (4,) == db.row("select count(*) from pgqueue.jobs")
    link.close()


@pytest.mark.parametrize("is_bulk", [True, False])
def test_a_callers_session_works_without_nulls_in_arrays(
    db: QueueDatabase, database_url: str, is_bulk: bool
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("set array_nulls = off")
        link = adopt(connection, Schema())
        if is_bulk:
            bulk_insert.insert(link, NEW, 100)
        else:
            for new in NEW:
                run(link, enqueueing.enqueue(new))

    assert [("queued",), ("scheduled",), ("scheduled",)] == db.rows(
        "select status from pgqueue.jobs order by id"
    )


def test_a_callers_session_that_forbids_views_is_told_which_setting_it_is(
    db: QueueDatabase, database_url: str
) -> None:
    if db.row("select current_setting('restrict_nonsystem_relation_kind', true) is null")[0]:
        pytest.skip("this server does not know the setting")
    with psycopg.connect(database_url) as connection:
        connection.execute("set restrict_nonsystem_relation_kind = 'view'")
        with pytest.raises(AccessDenied, match="restrict_nonsystem_relation_kind"):
            run(adopt(connection, Schema()), enqueueing.enqueue(NewJob("t")))


def test_a_pooler_in_statement_mode_is_refused_before_anything_is_done(server_url: str) -> None:
    with (
        pgbouncer(server_url, pool_mode="statement") as url,
        pytest.raises(DatabaseUnreachable, match="set pool_mode to transaction") as caught,
    ):
        Database(url).open()

    assert DatabaseUnreachable is type(caught.value)
