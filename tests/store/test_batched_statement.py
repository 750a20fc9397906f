"""A batch that is too large is halved, and a job that is refused is skipped."""

from collections.abc import Iterator

import psycopg
import pytest
from manual_clock import ManualClock
from queue_database import QueueDatabase

from pgqueue.core.events.event import listen
from pgqueue.core.events.jobs import JobSkipped
from pgqueue.store import batched_statement as batched_statement_module
from pgqueue.store import promotion, retention
from pgqueue.store.batched_statement import BatchedStatement

_SLOW = """
create function pgqueue.too_much() returns trigger language plpgsql as $$
begin
  if (select count(*) from gone) > 2 then
    raise query_canceled;
  end if;
  return null;
end $$;
create trigger too_much after delete on pgqueue.jobs
referencing old table as gone for each statement execute function pgqueue.too_much()
"""


@pytest.fixture
def events() -> Iterator[list[JobSkipped]]:
    """The events of skipped jobs."""
    skipped: list[JobSkipped] = []
    stop = listen(JobSkipped, skipped.append)
    yield skipped
    stop()


@pytest.fixture
def finished_db(db: QueueDatabase) -> QueueDatabase:
    """Nine jobs past `kept_until`."""
    for _ in range(9):
        db.change(db.enqueue().id, status="succeeded")
    db.rows("update pgqueue.jobs set kept_until = now() - interval '1 s'")
    return db


def _remaining(db: QueueDatabase) -> int:
    return int(db.row("select count(*) from pgqueue.jobs")[0])


def test_a_batch_answers_whether_there_may_be_more(finished_db: QueueDatabase) -> None:
    batches = BatchedStatement(retention.prune, retention.first_prunable, 4)

    assert [True, True, False] == [batches.take(finished_db.link) for _ in range(3)]

    assert 0 == _remaining(finished_db)


def test_a_batch_that_is_too_large_is_halved(finished_db: QueueDatabase) -> None:
    finished_db.link.raw.execute(_SLOW.encode())
    batches = BatchedStatement(retention.prune, retention.first_prunable, 8)

    seen = [(batches.take(finished_db.link), _remaining(finished_db)) for _ in range(4)]

    assert [(True, 9), (True, 9), (True, 7), (True, 7)] == seen


_REFUSES = """
create function pgqueue.keep() returns trigger language plpgsql as $$
begin
  raise exception 'kept: %%', old.task;
end $$;
create trigger keep before delete on pgqueue.jobs
for each row when (old.task = 'app.kept') execute function pgqueue.keep()
"""


def test_a_job_that_is_refused_by_itself_is_skipped_for_a_minute(
    finished_db: QueueDatabase, events: list[JobSkipped]
) -> None:
    refused = finished_db.rows(
        "update pgqueue.jobs set task = 'app.kept', kept_until = kept_until - interval '1 s' "
        "where id in (select id from pgqueue.jobs order by id limit 2) returning id"
    )
    finished_db.link.raw.execute(_REFUSES.replace("%%", "%").encode())
    clock = ManualClock()
    batches = BatchedStatement(retention.prune, retention.first_prunable, 4, clock=clock)

    while batches.take(finished_db.link):
        pass
    remaining = _remaining(finished_db)
    finished_db.rows("drop trigger keep on pgqueue.jobs")
    second = batches.take(finished_db.link), _remaining(finished_db)
    clock.advance(61.0)
    while batches.take(finished_db.link):
        pass

    assert 2 == remaining
    assert [event.job_id for event in events] == [refused[0][0]]
    assert "kept: app.kept" in events[0].reason
    assert (False, 2) == second
    assert 0 == _remaining(finished_db)


def test_a_single_job_that_is_too_much_is_an_error(finished_db: QueueDatabase) -> None:
    finished_db.link.raw.execute(_SLOW.replace("> 2", "> 0").encode())
    batches = BatchedStatement(retention.prune, retention.first_prunable, 2)

    assert batches.take(finished_db.link)
    with pytest.raises(psycopg.errors.QueryCanceled):
        batches.take(finished_db.link)

    assert 9 == _remaining(finished_db)


def test_a_job_that_is_refused_again_is_skipped_for_longer(
    finished_db: QueueDatabase, events: list[JobSkipped]
) -> None:
    finished_db.rows("update pgqueue.jobs set task = 'app.kept'")
    finished_db.link.raw.execute(_REFUSES.replace("%%", "%").encode())
    clock = ManualClock()
    batches = BatchedStatement(retention.prune, retention.first_prunable, 1, clock=clock)

    tries = []
    for _ in range(4):
        tries.append(0)
        while batches.take(finished_db.link):
            tries[-1] += 1
        clock.advance(61.0)

    assert [9, 9, 0, 9] == tries
    assert 1 == len(events)


@pytest.mark.parametrize("silently", [True, False])
def test_jobs_behind_any_number_of_refused_ones_are_pruned(
    finished_db: QueueDatabase, monkeypatch: pytest.MonkeyPatch, silently: bool
) -> None:
    monkeypatch.setattr(batched_statement_module, "_SKIPPED_MAX", 3)
    refused = "(select id from pgqueue.jobs order by id limit 7)"
    finished_db.rows(
        "update pgqueue.jobs set task = 'app.kept',"
        f" kept_until = kept_until - (10 - id) * interval '1 s' where id in {refused}"
    )
    refuses = _REFUSES.replace("%%", "%")
    if silently:
        refuses = refuses.replace("raise exception 'kept: %', old.task", "return null")
    finished_db.link.raw.execute(refuses.encode())
    batches = BatchedStatement(retention.prune, retention.first_prunable, 2, clock=ManualClock())

    takes = 0
    while batches.take(finished_db.link) and takes < 100:
        takes += 1

    assert 7 == _remaining(finished_db)
    assert takes < 20


def test_jobs_that_references_keep_delay_no_other(db: QueueDatabase) -> None:
    for number in range(6):
        db.change(db.enqueue().id, status="succeeded", priority=number)
    db.rows("update pgqueue.jobs set kept_until = now() - interval '1 s' * (id %% 3)")
    db.rows("create table pgqueue.mails (job_id bigint references pgqueue.jobs (id))")
    db.rows("insert into pgqueue.mails select id from pgqueue.jobs where id %% 2 = 0")
    batches = BatchedStatement(retention.prune, retention.first_prunable, 4)

    while batches.take(db.link):
        pass

    assert 3 == _remaining(db)
    assert db.rows("select id from pgqueue.jobs order by id") == db.rows(
        "select job_id from pgqueue.mails order by job_id"
    )


def test_a_scheduled_job_that_conflicts_delays_no_other_and_is_queued_later(
    db: QueueDatabase,
) -> None:
    waiting = db.enqueue(args='{"n": 1}')
    conflicting = db.enqueue(args='{"n": 1}', run_after=60.0)
    others = [db.enqueue(args=f'{{"n": {n}}}', run_after=60.0) for n in range(2, 6)]
    db.rows("create unique index ours on pgqueue.jobs ((args ->> 'n')) where status = 'queued'")
    db.pass_time("run_at", 90)
    clock = ManualClock()
    batches = BatchedStatement(promotion.promote, promotion.first_scheduled, 4, clock=clock)

    while batches.take(db.link):
        pass
    before = {db.job(job.id).status for job in others}, db.job(conflicting.id).status
    db.rows("delete from pgqueue.jobs where id = %(id)s", id=waiting.id)
    clock.advance(61.0)
    batches.take(db.link)

    assert ({"queued"}, "scheduled") == before
    assert "queued" == db.job(conflicting.id).status


def test_the_rows_of_one_large_job_are_deleted_in_portions(
    finished_db: QueueDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batched_statement_module, "_ATTEMPTS_MAX", 2)
    finished_db.rows("delete from pgqueue.jobs where id > (select min(id) from pgqueue.jobs)")
    [(job_id,)] = finished_db.rows("select id from pgqueue.jobs")
    finished_db.rows(
        "insert into pgqueue.attempts (job_id, attempt, outcome)"
        " select %(id)s, n, 'snoozed' from generate_series(1, 9) as n",
        id=job_id,
    )
    finished_db.rows(
        "insert into pgqueue.logs (job_id, attempt, level, message)"
        " select %(id)s, n %% 9 + 1, 'INFO', '' from generate_series(1, 27) as n",
        id=job_id,
    )
    slow = _SLOW.replace("on pgqueue.jobs", "on pgqueue.attempts")
    finished_db.link.raw.execute(slow.encode())
    batches = BatchedStatement(
        retention.prune, retention.first_prunable, 2, reduce=retention.delete_rows
    )

    takes = 0
    while batches.take(finished_db.link):
        takes += 1

    assert 6 == takes
    assert (0, 0, 0) == finished_db.row(
        "select (select count(*) from pgqueue.jobs), (select count(*) from pgqueue.attempts),"
        " (select count(*) from pgqueue.logs)"
    )


def test_an_error_that_is_no_fault_of_a_job_is_raised(finished_db: QueueDatabase) -> None:
    finished_db.rows("alter table pgqueue.logs rename to lines")

    with pytest.raises(psycopg.errors.UndefinedTable):
        BatchedStatement(retention.prune, retention.first_prunable, 2).take(finished_db.link)
