"""What a constraint or trigger of the application refuses is never booked on the task."""

from collections.abc import Iterator

import pytest
from queue_database import QueueDatabase
from settling import token

from pgqueue.core.events.event import listen
from pgqueue.core.events.jobs import SettlementReduced
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store import attempts, settlement_batches
from pgqueue.store.refusals import RefusalReports
from pgqueue.store.settlement_batches import settle_in_batches
from pgqueue.store.settlements import Answer, Settlement
from pgqueue.store.statement import run

NEVER = "begin raise exception 'orders need it' using errcode = {code}; end"


@pytest.fixture(autouse=True)
def _reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement_batches, "_reports", RefusalReports())


@pytest.fixture
def events() -> Iterator[list[SettlementReduced]]:
    """The reductions that are reported."""
    events: list[SettlementReduced] = []
    stop = listen(SettlementReduced, events.append)
    yield events
    stop()


def _refer_to_jobs(db: QueueDatabase, key: str) -> None:
    db.rows(f"create table pgqueue.mails (job_id bigint references pgqueue.jobs (id) {key})")
    db.rows("insert into pgqueue.mails select job.id from pgqueue.jobs as job")


def _trigger(db: QueueDatabase, when: str, body: str) -> None:
    db.rows(f"create function pgqueue.ours() returns trigger language plpgsql as $$ {body} $$")
    db.rows(
        f"create trigger a_trigger {when} on pgqueue.jobs for each row"
        " execute function pgqueue.ours()"
    )


def _settle(db: QueueDatabase, *ends: Settlement) -> Answer:
    answer: Answer = {}
    for _, part in settle_in_batches(db.link, ends):
        answer.update(part)
    return answer


@pytest.mark.parametrize(
    "refusal",
    [
        "",
        "on delete restrict",
        "deferrable initially deferred",
        "'P0001'",
        "'restrict_violation'",
        "'insufficient_privilege'",
        "'ZZ001'",
        "returns null",
        "changes the row",
    ],
)
def test_a_success_whose_deletion_is_refused_is_kept(
    db: QueueDatabase, events: list[SettlementReduced], refusal: str
) -> None:
    claimed = db.claim_new(keep_seconds=0.0, max_attempts=3)
    if refusal == "returns null":
        _trigger(db, "before delete", "begin return null; end")
    elif refusal == "changes the row":
        change = "update pgqueue.jobs set tags = '{gone}' where id = old.id; return old;"
        _trigger(db, "before delete", f"begin {change} end")
    elif refusal.startswith("'"):
        _trigger(db, "before delete", NEVER.format(code=refusal))
    else:
        _refer_to_jobs(db, refusal)

    answer = _settle(
        db, Settlement(*token(claimed), Outcome.SUCCEEDED, result="7", waited_seconds=0)
    )

    job = db.job(claimed.id)
    assert {(claimed.id, 1): JobStatus.SUCCEEDED} == answer
    assert (JobStatus.SUCCEEDED, 7, 0, None) == (
        job.status, job.result, job.failure_count, job.error,
    )  # fmt: skip
    [attempt] = run(db.link, attempts.attempts_of(claimed.id))
    assert (Outcome.SUCCEEDED, "SettlementRefused") == (attempt.outcome, attempt.error_type)
    assert ["its deletion"] == [event.left_out for event in events]


@pytest.mark.parametrize("keep_seconds", [0.0, 60.0])
@pytest.mark.parametrize("delivery", ["at_least_once", "at_most_once"])
def test_a_success_whose_result_is_refused_is_a_success_without_it(
    db: QueueDatabase, events: list[SettlementReduced], keep_seconds: float, delivery: str
) -> None:
    claimed = db.claim_new(keep_seconds=keep_seconds, max_attempts=3, delivery=delivery)
    db.rows("alter table pgqueue.jobs add constraint ours check (result <> '7')")
    _refer_to_jobs(db, "")

    answer = _settle(
        db, Settlement(*token(claimed), Outcome.SUCCEEDED, result="7", waited_seconds=0)
    )

    job = db.job(claimed.id)
    assert {(claimed.id, 1): JobStatus.SUCCEEDED} == answer
    assert (JobStatus.SUCCEEDED, None) == (job.status, job.result)
    assert ["its result"] == [event.left_out for event in events]


def test_a_success_whose_attempt_is_refused_is_a_success_without_it(db: QueueDatabase) -> None:
    claimed = db.claim_new(max_attempts=3)
    db.rows("alter table pgqueue.attempts add constraint ours check (outcome <> 'succeeded')")

    _settle(db, Settlement(*token(claimed), Outcome.SUCCEEDED, result="7", waited_seconds=0))

    assert (JobStatus.SUCCEEDED, 7) == (db.job(claimed.id).status, db.job(claimed.id).result)
    assert [] == run(db.link, attempts.attempts_of(claimed.id))


@pytest.mark.parametrize("is_silent", [True, False])
def test_a_success_that_is_never_accepted_does_not_run_again(
    db: QueueDatabase, is_silent: bool
) -> None:
    claimed = db.claim_new(max_attempts=3)
    refusal = "return null" if is_silent else "raise exception 'no success'"
    _trigger(
        db,
        "before update",
        f"begin if new.status = 'succeeded' then {refusal}; end if; return new; end",
    )

    _settle(db, Settlement(*token(claimed), Outcome.SUCCEEDED, result="7", waited_seconds=0))

    job = db.job(claimed.id)
    assert (JobStatus.FAILED, 1) == (job.status, job.failure_count)
    assert (job.error or "").startswith("SettlementRefused: Recorded without its success: ")


@pytest.mark.parametrize("outcome", [Outcome.INTERRUPTED, Outcome.LOST, Outcome.FAILED])
def test_an_attempt_whose_job_cannot_be_queued_again_stays_active_until_it_can(
    db: QueueDatabase, outcome: Outcome
) -> None:
    claimed = db.claim_new(args='{"n": 1}', max_attempts=3, backoff_base_seconds=0.0)
    db.rows(
        "create unique index ours on pgqueue.jobs ((args ->> 'n'))"
        " where status in ('queued', 'scheduled')"
    )
    other = db.enqueue(args='{"n": 1}')
    settlement = Settlement(*token(claimed), outcome, waited_seconds=0)

    [refusal] = _settle(db, settlement).values()
    active = db.job(claimed.id)
    db.rows("delete from pgqueue.jobs where id = %(id)s", id=other.id)
    answer = _settle(db, settlement)

    assert isinstance(refusal, Exception)
    assert (JobStatus.RUNNING, 0, 0) == (active.status, active.failure_count, active.lost_count)
    assert {(claimed.id, 1): JobStatus.QUEUED} == answer
    job = db.job(claimed.id)
    assert (outcome is Outcome.FAILED, outcome is Outcome.LOST) == (
        bool(job.failure_count), bool(job.lost_count),
    )  # fmt: skip


def test_an_error_that_is_refused_changes_no_outcome(db: QueueDatabase) -> None:
    claimed = db.claim_new(max_attempts=3, backoff_base_seconds=0.0)
    db.rows("alter table pgqueue.jobs add constraint ours check (error not like '%%shop%%')")

    _settle(
        db,
        Settlement(*token(claimed), Outcome.FAILED, waited_seconds=0, error_type="shop.Broken"),
    )

    job = db.job(claimed.id)
    assert (JobStatus.QUEUED, 1) == (job.status, job.failure_count)


def test_refusals_of_one_constraint_are_reported_once_and_delay_no_other_settlement(
    db: QueueDatabase, events: list[SettlementReduced]
) -> None:
    claimed = [db.claim_new(keep_seconds=0.0) for _ in range(9)]
    _refer_to_jobs(db, "")
    db.rows("delete from pgqueue.mails where job_id %% 3 > 0")

    answer = _settle(
        db,
        *(Settlement(*token(attempt), Outcome.SUCCEEDED, waited_seconds=0) for attempt in claimed),
    )

    assert {JobStatus.SUCCEEDED} == set(answer.values())
    assert 9 == len(answer)
    assert (3, 1) == (db.row("select count(*) from pgqueue.jobs")[0], len(events))


def test_a_row_that_a_trigger_keeps_running_is_no_settled_one(db: QueueDatabase) -> None:
    claimed = db.claim_new()
    _trigger(db, "before update", "begin new.status := old.status; return new; end")

    [refusal] = _settle(
        db, Settlement(*token(claimed), Outcome.SUCCEEDED, waited_seconds=0)
    ).values()

    assert isinstance(refusal, Exception)
    assert [] == run(db.link, attempts.attempts_of(claimed.id))
