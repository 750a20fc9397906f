"""The SQL functions that any language may call: enqueue, cancel, retry."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from queue_database import QueueDatabase
from registering import listening_supervisor

from pgqueue.core.lifecycle import FINAL, JobStatus, Outcome
from pgqueue.core.new_job import NewJob
from pgqueue.schema import migrate
from pgqueue.store import attempts, bulk_insert, enqueueing, jobs, tasks
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run

RECORDED = {
    "queue": "mail",
    "priority": 7,
    "executor": "process",
    "delivery": "at_most_once",
    "max_attempts": 4,
    "backoff": "linear",
    "backoff_base_seconds": 5.0,
    "backoff_max_seconds": 50.0,
    "backoff_jitter": False,
    "timeout_seconds": None,
    "keep_seconds": 60.0,
    "tags": ["a", "b"],
}
DEFAULTS = {
    "queue": "default",
    "priority": 0,
    "executor": "greenlet",
    "delivery": "at_least_once",
    "max_attempts": 1,
    "backoff": "exponential",
    "backoff_base_seconds": 2.0,
    "backoff_max_seconds": 3600.0,
    "backoff_jitter": True,
    "timeout_seconds": 3600.0,
    "keep_seconds": 86_400.0,
    "tags": [],
}


def test_plain_sql_enqueues_with_the_defaults(db: QueueDatabase) -> None:
    (job_id,) = db.row("select pgqueue.enqueue('shop.mail')")

    job = db.job(job_id)
    assert DEFAULTS == _options(db, job_id)
    assert ("shop.mail", {}, JobStatus.QUEUED) == (job.task, job.args, job.status)


def test_sql_and_python_have_equal_defaults(db: QueueDatabase) -> None:
    (by_sql,) = db.row("select pgqueue.enqueue('shop.mail')")
    (by_insert,) = db.row("insert into pgqueue.jobs (task) values ('shop.mail') returning id")
    by_python = run(db.link, enqueueing.enqueue(NewJob("shop.mail"))).id
    bulk_insert.insert(db.link, [NewJob("shop.mail")], 1)
    (by_copy,) = db.row("select max(id) from pgqueue.jobs")

    rows = [_row(db, job_id) for job_id in (by_sql, by_insert, by_python, by_copy)]

    assert [rows[0]] * 4 == rows


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("null", "options takes a JSON object, and no null"),
        ("[]", "options takes a JSON object, and no array"),
        ('[{"priority": 3}]', "options takes a JSON object, and no array"),
        ("5", "options takes a JSON object, and no number"),
        ('"priority"', "options takes a JSON object, and no string"),
        ('{"prioriti": 3}', "options has no option 'prioriti'"),
        ('{"timeout": 3}', "options has no option 'timeout'"),
        ('{"status": "running"}', "options has no option 'status'"),
        ('{"queue": null}', "option 'queue' takes no null"),
        ('{"queue": ["a"]}', "option 'queue' takes no array"),
        ('{"priority": "3"}', "option 'priority' takes no string"),
        ('{"tags": "a"}', "option 'tags' takes no string"),
    ],
)
def test_options_that_would_be_lost_are_refused(
    db: QueueDatabase, options: str, message: str
) -> None:
    calls = (
        "pgqueue.enqueue('shop.mail', options => %(options)s)",
        "pgqueue.enqueue('shop.mail', queue => 'mail', options => %(options)s)",
        "pgqueue.enqueue_named('shop.mail', '{}', null, %(options)s)",
    )
    for call in calls:
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=message):
            db.row(f"select {call}", options=options)

    assert (0,) == db.row("select count(*) from pgqueue.jobs")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, {}),
        ("{}", {}),
        ('{"timeout_seconds": null}', {"timeout_seconds": None}),
        (
            '{"queue": "a", "tags": ["x"], "backoff_jitter": false}',
            {"queue": "a", "tags": ["x"], "backoff_jitter": False},
        ),
    ],
)
def test_options_of_a_call_replace_the_defaults(
    db: QueueDatabase, options: str | None, expected: dict[str, object]
) -> None:
    (job_id,) = db.row("select pgqueue.enqueue('shop.mail', options => %(o)s)", o=options)

    assert {**DEFAULTS, **expected} == _options(db, job_id)


@pytest.mark.parametrize("name", ["shop.mail", "old.mail"])
def test_plain_sql_takes_the_options_recorded_for_the_task(db: QueueDatabase, name: str) -> None:
    _record(db, "shop.mail", RECORDED, aliases=["old.mail"])

    (job_id,) = db.row("select pgqueue.enqueue(%(name)s, '{\"to\": 7}')", name=name)

    job = db.job(job_id)
    assert RECORDED == _options(db, job_id)
    assert (name, {"to": 7}) == (job.task, job.args)


def test_a_tasks_name_is_matched_before_the_alias_of_another_task(db: QueueDatabase) -> None:
    _record(db, "a.mail", {"queue": "alias"}, aliases=["shop.mail"])
    _record(db, "shop.mail", {"queue": "name"})

    (job_id,) = db.row("select pgqueue.enqueue('shop.mail')")

    assert "name" == db.job(job_id).queue


def test_an_option_of_the_call_replaces_the_recorded_option(db: QueueDatabase) -> None:
    _record(db, "shop.mail", RECORDED)

    (job_id,) = db.row(
        """
        select pgqueue.enqueue(
          'shop.mail', '{}', queue => 'fast', priority => -3, timeout => 9, max_attempts => 2,
          tags => '{c}', run_after => '2100-01-01 00:00+00'
        )
        """
    )

    changes = {"queue": "fast", "priority": -3, "timeout_seconds": 9.0, "max_attempts": 2}
    job = db.job(job_id)
    assert {**RECORDED, **changes, "tags": ["c"]} == _options(db, job_id)
    assert (datetime(2100, 1, 1, tzinfo=UTC), JobStatus.SCHEDULED) == (job.run_at, job.status)


def test_any_option_can_be_replaced_by_name(db: QueueDatabase) -> None:
    _record(db, "shop.mail", {**RECORDED, "timeout_seconds": 30.0})
    changes = {**DEFAULTS, "timeout_seconds": None, "expires_after_seconds": 60.0}

    (job_id,) = db.row(
        "select pgqueue.enqueue('shop.mail', options => %(options)s::jsonb)",
        options=json.dumps(changes),
    )

    job = db.job(job_id)
    assert {**DEFAULTS, "timeout_seconds": None} == _options(db, job_id)
    assert job.expires_at is not None
    assert abs(job.expires_at - job.created_at - timedelta(minutes=1)) < timedelta(seconds=1)


@pytest.mark.parametrize(
    "call",
    [
        "''",
        "'t', '[]'",
        "'t', queue => ''",
        "'t', priority => 101",
        "'t', priority => 100000",
        "'t', timeout => 0",
        "'t', timeout => 'NaN'",
        "'t', max_attempts => 0",
        "'t', run_after => 'infinity'",
        "'t', run_after => '-infinity'",
        "'t', options => '{\"executor\": \"thread\"}'",
        "'t', options => '{\"keep_seconds\": \"infinity\"}'",
    ],
)
def test_plain_sql_cannot_insert_what_python_would_refuse(db: QueueDatabase, call: str) -> None:
    with pytest.raises((psycopg.DataError, psycopg.IntegrityError)):
        db.rows(f"select pgqueue.enqueue({call})")

    assert (0,) == db.row("select count(*) from pgqueue.jobs")


def test_a_trigger_can_enqueue_for_each_row(db: QueueDatabase) -> None:
    db.rows("create table public.orders (id bigint)")
    db.rows(
        """
        create function public.ship() returns trigger language plpgsql as $$
        begin
          perform pgqueue.enqueue('shop.ship', jsonb_build_object('order_id', new.id));
          return new;
        end $$
        """
    )
    db.rows(
        "create trigger ship after insert on public.orders"
        " for each row execute function public.ship()"
    )

    db.rows("insert into public.orders select generate_series(1, 3)")

    args = db.rows("select args from pgqueue.jobs order by id")
    db.rows("drop table public.orders")
    db.rows("drop function public.ship")
    assert [({"order_id": n},) for n in (1, 2, 3)] == args


@pytest.mark.own_session
@pytest.mark.parametrize("name", ["pgqueue", 'a"b', "it's"])
@pytest.mark.parametrize("way", ["statement", "function", "copy", "retry"])
def test_a_supervisor_is_notified_when_the_job_commits(
    database_url: str, name: str, way: str
) -> None:
    migrate.upgrade(database_url, name)
    listener, link = (Database(database_url, name).open() for _ in range(2))
    retried = run(link, enqueueing.enqueue(NewJob("t", run_after=60.0))).id
    listener.listen(listening_supervisor(link))

    with link.transaction():
        _enqueue_by(link, way, retried)
        is_notified_early = bool(listener.notifications(0))
    is_notified = bool(listener.notifications(10))

    listener.close()
    link.close()
    assert (False, True) == (is_notified_early, is_notified)


@pytest.mark.parametrize("way", ["statement", "function", "copy"])
def test_a_scheduled_job_notifies_nobody(database_url: str, link: Link, way: str) -> None:
    listener = Database(database_url).open()
    listener.listen(listening_supervisor(link))

    _enqueue_by(link, way, 0, run_after=60.0)
    is_notified = bool(listener.notifications(0))

    listener.close()
    assert is_notified is False


@pytest.mark.parametrize("status", JobStatus)
def test_a_cancellation_ends_a_waiting_job_and_requests_the_end_of_a_running_job(
    db: QueueDatabase, status: JobStatus
) -> None:
    job = db.enqueue(keep_seconds=60.0)
    db.change(job.id, status=status.value)

    answer = run(db.link, jobs.cancel(jobs.JobSelection([job.id])))

    row = db.job(job.id)
    requested_at, kept_until = db.row(
        "select cancel_requested_at, kept_until from pgqueue.jobs where id = %(id)s", id=job.id
    )
    if status in FINAL:
        assert {job.id: None} == answer
        assert (status, None, None) == (row.status, requested_at, row.finished_at)
    elif status is JobStatus.RUNNING:
        assert {job.id: JobStatus.RUNNING} == answer
        assert (JobStatus.RUNNING, None) == (row.status, row.finished_at)
        assert requested_at is not None
    else:
        assert {job.id: JobStatus.CANCELLED} == answer
        assert row.finished_at is not None
        kept_seconds = (kept_until - row.finished_at).total_seconds()
        assert kept_seconds == pytest.approx(86_400, abs=1)


@pytest.mark.parametrize("status", JobStatus)
def test_a_manual_retry_resets_the_counts_and_the_result(
    db: QueueDatabase, status: JobStatus
) -> None:
    claimed = db.claim_new(max_attempts=2)
    db.settle(claimed, Outcome.FAILED, error_type="ValueError")
    other = db.enqueue()
    db.change(claimed.id, status=status.value, lost_count=2, result='"old"')
    before = db.job(claimed.id)

    answer = run(db.link, jobs.retry(jobs.JobSelection([claimed.id])))

    row = db.job(claimed.id)
    if status in (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.BLOCKED):
        assert {claimed.id: None} == answer
        assert before == row
    else:
        assert {claimed.id: JobStatus.QUEUED} == answer
        assert (JobStatus.QUEUED, 0, 0, 1) == (
            row.status,
            row.failure_count,
            row.lost_count,
            row.attempt,
        )
        assert (None, None, None) == (row.finished_at, row.result, row.worker_id)
        assert other.position < row.position
        assert 1 == len(run(db.link, attempts.attempts_of(claimed.id)))


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "12000-01-01", "0044-03-15 BC"])
@pytest.mark.parametrize("column", ["run_at", "expires_at"])
def test_a_moment_that_python_does_not_know_is_refused(
    db: QueueDatabase, column: str, moment: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="moment_check"):
        db.rows(
            f"insert into pgqueue.jobs (task, {column}) values ('t', %(moment)s) returning id",
            moment=moment,
        )


def test_an_expiry_beyond_the_calendar_is_refused(db: QueueDatabase) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="moment_check"):
        db.rows("select pgqueue.enqueue('t', options => '{\"expires_after_seconds\": 3e11}')")


def test_an_unknown_id_has_no_status(db: QueueDatabase) -> None:
    assert {404: None} == run(db.link, jobs.cancel(jobs.JobSelection([404])))
    assert {404: None} == run(db.link, jobs.retry(jobs.JobSelection([404])))


def test_concurrent_cancellations_and_retries_of_the_same_jobs_do_not_deadlock(
    db: QueueDatabase, other_link: Link
) -> None:
    ids = [db.enqueue().id for _ in range(500)]

    def cancel_and_retry(link: Link, ids: list[int]) -> None:
        for _ in range(5):
            run(link, jobs.cancel(jobs.JobSelection(ids)))
            run(link, jobs.retry(jobs.JobSelection(ids)))

    with ThreadPoolExecutor(2) as pool:
        for future in (
            pool.submit(cancel_and_retry, db.link, ids),
            pool.submit(cancel_and_retry, other_link, ids[::-1]),
        ):
            future.result(timeout=60)

    assert [(JobStatus.QUEUED, 500)] == db.rows(
        "select status, count(*) from pgqueue.jobs group by status"
    )


def _enqueue_by(link: Link, way: str, retried: int, run_after: float | None = None) -> None:
    new = NewJob("t", run_after=run_after)
    if way == "statement":
        run(link, enqueueing.enqueue(new))
    elif way == "function":
        run(link, enqueueing.enqueue_by_name("t", "{}", run_after=run_after, options={}))
    elif way == "copy":
        bulk_insert.insert(link, [new], 1)
    else:
        run(link, jobs.retry(jobs.JobSelection([retried])))


def _record(
    db: QueueDatabase, name: str, options: dict[str, Any], aliases: list[str] | None = None
) -> None:
    task = {"name": name, "signature": "()", "docstring": "", "options": options}
    run(db.link, tasks.record_tasks([{**task, "aliases": aliases or []}]))


def _options(db: QueueDatabase, job_id: int) -> dict[str, Any]:
    row = _row(db, job_id)
    return {name: row[name] for name in DEFAULTS}


def _row(db: QueueDatabase, job_id: int) -> dict[str, Any]:
    """A whole row without the columns that differ between any two jobs."""
    (text,) = db.row(
        """
        select (to_jsonb(job) - '{id,position,run_at,created_at}'::text[])::text
        from pgqueue.jobs as job
        where job.id = %(id)s
        """,
        id=job_id,
    )
    row: dict[str, Any] = json.loads(text)
    return row
