"""Attempts and log lines that nobody needs are deleted, a few jobs at a time."""

import pytest
from queue_database import QueueDatabase

from pgqueue.maintenance import surplus as surplus_module
from pgqueue.maintenance.surplus import Surplus
from pgqueue.store.connection.link import Link


@pytest.fixture
def db(link: Link) -> QueueDatabase:
    """Nine jobs with three attempts each and a line for each."""
    db = QueueDatabase(link)
    for _ in range(9):
        db.enqueue()
    db.rows(
        "insert into pgqueue.attempts (job_id, attempt, outcome)"
        " select job.id, n, 'failed' from pgqueue.jobs as job, generate_series(1, 3) as n"
    )
    db.rows(
        "insert into pgqueue.logs (job_id, attempt, level, message)"
        " select attempt.job_id, attempt.attempt, 'INFO', '' from pgqueue.attempts as attempt"
    )
    return db


def _run(surplus: Surplus, db: QueueDatabase) -> int:
    runs = 1
    while surplus.run(db.link):
        runs += 1
    return runs


def _jobs_with_rows(db: QueueDatabase) -> list[int]:
    return [
        job_id
        for (job_id,) in db.rows(
            "select job_id from pgqueue.attempts union select job_id from pgqueue.logs order by 1"
        )
    ]


@pytest.mark.parametrize(
    "deletion", ["delete from pgqueue.jobs where id %% 3 = 0", "truncate pgqueue.jobs"]
)
def test_what_is_left_of_jobs_deleted_by_hand_is_deleted(db: QueueDatabase, deletion: str) -> None:
    db.rows(deletion)
    surplus = Surplus()

    _run(surplus, db)

    remaining = [job_id for (job_id,) in db.rows("select id from pgqueue.jobs order by id")]
    assert remaining == _jobs_with_rows(db)
    counts = "select (select count(*) from pgqueue.attempts), (select count(*) from pgqueue.logs)"
    assert (3 * len(remaining), 3 * len(remaining)) == db.row(counts)


def test_a_walk_visits_a_few_jobs_at_a_time_and_begins_again(
    db: QueueDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surplus_module, "_JOBS_MAX", 4)
    surplus = Surplus()
    db.rows("delete from pgqueue.jobs where id = (select max(id) from pgqueue.jobs)")

    assert [1, 1] == [_run(surplus, db) for _ in range(2)]
    before = len(_jobs_with_rows(db))
    _run(surplus, db)
    after = len(_jobs_with_rows(db))
    db.rows("delete from pgqueue.jobs")
    for _ in range(3):
        _run(surplus, db)

    assert (9, 8) == (before, after)
    assert [] == _jobs_with_rows(db)


def test_a_job_that_is_snoozed_for_ever_keeps_its_last_thousand_attempts(db: QueueDatabase) -> None:
    db.rows("update pgqueue.jobs set attempt = 1002 where id = (select min(id) from pgqueue.jobs)")

    _run(Surplus(), db)

    assert [1] + 8 * [3] == [
        count
        for (count,) in db.rows(
            "select count(*) from pgqueue.attempts group by job_id order by job_id"
        )
    ]


def test_too_many_rows_for_one_statement_are_deleted_in_smaller_ones(db: QueueDatabase) -> None:
    db.rows("delete from pgqueue.jobs")
    db.link.raw.execute(
        "create function pgqueue.too_much() returns trigger language plpgsql as "
        "$$ begin if (select count(*) from gone) > 6 then raise query_canceled; end if;"
        " return null; end $$"
    )
    db.link.raw.execute(
        "create trigger too_much after delete on pgqueue.attempts referencing old table as gone"
        " for each statement execute function pgqueue.too_much()"
    )

    surplus = Surplus()
    for _ in range(9):
        _run(surplus, db)

    assert [] == _jobs_with_rows(db)
