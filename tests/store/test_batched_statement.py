"""A batch that is too large is halved, and a job that is refused is skipped."""

from collections.abc import Iterator

import psycopg
import pytest
from manual_clock import ManualClock
from queue_database import QueueDatabase

from pgqueue.core.events.event import listen
from pgqueue.core.events.jobs import JobSkipped
from pgqueue.store import batched_statement as batched_statement_module
from pgqueue.store import retention
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
    assert [(job_id,) for job_id in sorted(event.job_id for event in events)] == refused
    assert all("kept: app.kept" in event.reason for event in events)
    assert (False, 2) == second
    assert 0 == _remaining(finished_db)


def test_a_single_job_that_is_too_much_is_an_error(finished_db: QueueDatabase) -> None:
    finished_db.link.raw.execute(_SLOW.replace("> 2", "> 0").encode())
    batches = BatchedStatement(retention.prune, retention.first_prunable, 2)

    assert batches.take(finished_db.link)
    with pytest.raises(psycopg.errors.QueryCanceled):
        batches.take(finished_db.link)

    assert 9 == _remaining(finished_db)


def test_an_error_of_too_many_jobs_is_raised(
    finished_db: QueueDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batched_statement_module, "_SKIPPED_MAX", 3)
    finished_db.rows("update pgqueue.jobs set task = 'app.kept' returning id")
    finished_db.link.raw.execute(_REFUSES.replace("%%", "%").encode())
    batches = BatchedStatement(retention.prune, retention.first_prunable, 1)

    answers = [batches.take(finished_db.link) for _ in range(3)]

    assert [True] * 3 == answers
    with pytest.raises(psycopg.errors.RaiseException):
        batches.take(finished_db.link)


def test_an_error_that_is_no_fault_of_a_job_is_raised(finished_db: QueueDatabase) -> None:
    finished_db.rows("alter table pgqueue.logs rename to lines")

    with pytest.raises(psycopg.errors.UndefinedTable):
        BatchedStatement(retention.prune, retention.first_prunable, 2).take(finished_db.link)
