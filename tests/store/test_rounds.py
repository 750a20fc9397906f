"""What is too much at once is done with less."""

import time

import psycopg
import pytest
from queue_database import QueueDatabase

from pgqueue.store import batched_statement as rounds_module
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
def kept(db: QueueDatabase) -> QueueDatabase:
    """Nine jobs whose time is over."""
    for _ in range(9):
        db.change(db.enqueue().id, status="succeeded")
    db.rows("update pgqueue.jobs set kept_until = now() - interval '1 s'")
    return db


def _left(db: QueueDatabase) -> int:
    return int(db.row("select count(*) from pgqueue.jobs")[0])


def test_rounds_tell_whether_there_may_be_more(kept: QueueDatabase) -> None:
    rounds = BatchedStatement(retention.prune, retention.first_prunable, 4)

    assert [True, True, False] == [rounds.take(kept.link) for _ in range(3)]

    assert 0 == _left(kept)


def test_a_round_that_is_given_up_is_taken_with_half_as_many(kept: QueueDatabase) -> None:
    kept.link.raw.execute(_SLOW.encode())
    rounds = BatchedStatement(retention.prune, retention.first_prunable, 8)

    seen = [(rounds.take(kept.link), _left(kept)) for _ in range(4)]

    assert [(True, 9), (True, 9), (True, 7), (True, 7)] == seen


_REFUSES = """
create function pgqueue.keep() returns trigger language plpgsql as $$
begin
  raise exception 'kept: %%', old.task;
end $$;
create trigger keep before delete on pgqueue.jobs
for each row when (old.task = 'app.kept') execute function pgqueue.keep()
"""


def test_a_job_that_is_refused_by_itself_is_left_out_for_a_minute(
    kept: QueueDatabase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refused = kept.rows(
        "update pgqueue.jobs set task = 'app.kept', kept_until = kept_until - interval '1 s' "
        "where id in (select id from pgqueue.jobs order by id limit 2) returning id"
    )
    kept.link.raw.execute(_REFUSES.replace("%%", "%").encode())
    rounds = BatchedStatement(retention.prune, retention.first_prunable, 4)

    while rounds.take(kept.link):
        pass
    left = _left(kept)
    told = [each.__dict__ for each in caplog.records]
    kept.rows("drop trigger keep on pgqueue.jobs")
    still = rounds.take(kept.link), _left(kept)
    now = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: now)
    while rounds.take(kept.link):
        pass

    assert 2 == left
    assert [(job_id,) for job_id in sorted(each["job_id"] for each in told)] == refused
    assert all("kept: app.kept" in each["reason"] for each in told)
    assert (False, 2) == still
    assert 0 == _left(kept)


def test_a_single_job_that_is_too_much_is_an_error(kept: QueueDatabase) -> None:
    kept.link.raw.execute(_SLOW.replace("> 2", "> 0").encode())
    rounds = BatchedStatement(retention.prune, retention.first_prunable, 2)

    assert rounds.take(kept.link)
    with pytest.raises(psycopg.errors.QueryCanceled):
        rounds.take(kept.link)

    assert 9 == _left(kept)


def test_when_all_are_refused_the_error_is_told(
    kept: QueueDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds_module, "_REFUSED_MAX", 3)
    kept.rows("update pgqueue.jobs set task = 'app.kept' returning id")
    kept.link.raw.execute(_REFUSES.replace("%%", "%").encode())
    rounds = BatchedStatement(retention.prune, retention.first_prunable, 1)

    taken = [rounds.take(kept.link) for _ in range(3)]

    assert [True] * 3 == taken
    with pytest.raises(psycopg.errors.RaiseException):
        rounds.take(kept.link)


def test_an_error_that_is_no_fault_of_a_job_is_raised(kept: QueueDatabase) -> None:
    kept.rows("alter table pgqueue.logs rename to lines")

    with pytest.raises(psycopg.errors.UndefinedTable):
        BatchedStatement(retention.prune, retention.first_prunable, 2).take(kept.link)
