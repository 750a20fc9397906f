"""Two releases on one database: each works with the schema, or says what to do."""

import os
import signal
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from next_release import AFTER, NEEDED, Ran, Release, next_release, this_release

from pgqueue import Client


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The release after this one."""
    return next_release(tmp_path_factory.mktemp("newer"))


@pytest.fixture
def older() -> Release:
    """This release, which is the older one here."""
    return this_release()


@pytest.fixture
def at(database_url: str) -> Callable[..., Ran]:
    """Run one command of a release on the database."""
    return lambda release, *arguments: release.run(database_url, *arguments)


def test_a_newer_release_refuses_an_older_schema_and_says_what_to_do(
    at: Any, newer: Release
) -> None:
    refused = at(newer, "worker", "--burst")

    assert 3 == refused.code
    assert f"needs {NEEDED}. Run `pgqueue migrate`" in refused.err


def test_migrate_stops_in_front_of_what_would_end_the_older_release(
    at: Any, newer: Release, older: Release
) -> None:
    planned = at(newer, "migrate", "--plan").out
    applied = at(newer, "migrate").out
    again = at(newer, "migrate").out

    assert f"pending {NEEDED} (before the deploy) Jobs may have a note." in planned
    assert f"pending {AFTER} (after the deploy) The view failure_groups is gone." in planned
    assert f"applied {NEEDED} " in applied
    assert f"applied {AFTER} " not in applied
    assert "pgqueue migrate --after" in applied and "pgqueue migrate --after" in again
    for release in (newer, older):
        assert 0 == at(release, "worker", "--burst").code
        assert 0 == at(release, "jobs", "list").code
    # An older release has nothing to add to what a newer one made of the schema.
    assert (0, "up to date\n") == at(older, "migrate")[:2]


def test_what_is_for_after_the_deploy_ends_the_older_release_with_advice(
    at: Any, newer: Release, older: Release
) -> None:
    applied = at(newer, "migrate", "--after").out

    refused = [at(older, *verb) for verb in (("worker", "--burst"), ("jobs", "list"), ("migrate",))]

    assert f"applied {NEEDED}" in applied and f"applied {AFTER}" in applied
    assert (0, "up to date\n") == at(newer, "migrate")[:2]
    assert 0 == at(newer, "worker", "--burst").code
    for command in refused:
        assert 3 == command.code
        assert "Install the newer release here too" in command.err


def test_an_empty_database_gets_everything_at_once(
    database_url: str, newer: Release, older: Release
) -> None:
    migrated = newer.run(database_url, "migrate", PGQUEUE_SCHEMA="fresh")
    refused = older.run(database_url, "jobs", "list", PGQUEUE_SCHEMA="fresh")

    assert [NEEDED, AFTER] == [line.split()[1] for line in migrated.out.splitlines()][-2:]
    assert 3 == refused.code


def test_a_rolling_deploy_under_load_loses_no_job_and_fails_none(
    client: Client, fleet: Any, at: Any, newer: Release
) -> None:
    jobs = [client.enqueue("shop.tasks.nap", {"seconds": 0.02}).id for _ in range(300)]
    old = fleet("--greenlets", "4")
    old.until(lambda: client.count(status="succeeded") > 10, "the old release works")

    assert 0 == at(newer, "migrate").code
    jobs += [client.enqueue("shop.tasks.nap", {"seconds": 0.02}).id for _ in range(300)]
    # A child of the older release that is replaced starts on the newer schema.
    before = old.children()
    os.kill(before[0], signal.SIGKILL)
    old.until(lambda: not {before[0]} & {*old.children()} and len(old.children()) > 1, "replaced")
    new = fleet("--greenlets", "4", PYTHONPATH=newer.path)
    new.until(lambda: len(new.children()) > len(before), "the new release works")
    old.signal(signal.SIGTERM)
    assert 0 == old.wait()
    jobs += [client.enqueue("shop.tasks.nap", {"seconds": 0.02}).id for _ in range(100)]

    new.until(lambda: client.count(status="succeeded") == len(jobs), "all ran")
    assert [(0,)] == new.rows("select max(failure_count) from pgqueue.jobs")
    assert [(0,)] == new.rows(
        "select count(*) from pgqueue.attempts where outcome = 'lost' and worker_id not in "
        "(select id from pgqueue.workers where stop_reason = 'died')"
    )
    assert 0 == at(newer, "migrate", "--after").code


@pytest.mark.own_session
def test_a_migration_delays_no_reader_and_names_the_session_that_blocks_it(
    client: Client, at: Any, newer: Release, database_url: str
) -> None:
    job = client.enqueue("shop.mail")
    holder = psycopg.connect(database_url, application_name="somebody's report")
    holder.execute("select from pgqueue.jobs")
    migration = newer.start(database_url, "migrate")

    read_count = 0
    while migration.poll() is None:
        read_count += client.job(job.id).attempt == 0

    _, errors = migration.communicate()
    assert 1 == migration.returncode
    assert "SchemaBusy" in errors
    assert f"process {holder.info.backend_pid} (somebody's report, idle in transaction" in errors
    assert read_count > 10
    holder.close()
    assert 0 == at(newer, "migrate").code
