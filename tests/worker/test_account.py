"""A worker takes account of what the database says it runs."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import claiming
import psycopg
import pytest
from now import Now

from pgqueue import task
from pgqueue.client.client import Client
from pgqueue.core.bounded_names import NAMES_MAX
from pgqueue.core.lifecycle import Outcome
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.store import settlements, workers
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import Row, run
from pgqueue.worker.fetcher import Fetcher
from pgqueue.worker.in_flight import ActiveAttempt, InFlight
from pgqueue.worker.outcomes import Limits
from pgqueue.worker.queues import Queues
from pgqueue.worker.runner import Runner


class LossyDatabase(Database):
    """Drops replies: what was asked is done, and the connection breaks before the answer."""

    replies_to_lose = 0

    def open(self, application_name: str = "pgqueue", *settings: Any) -> Link:
        link = super().open(application_name, *settings)
        return LossyLink(link.raw, link.schema, self)


class LossyLink(Link):
    def __init__(self, raw: Any, schema: Any, database: LossyDatabase) -> None:
        super().__init__(raw, schema)
        self.database = database

    def fetch(self, text: str, params: Mapping[str, object]) -> Sequence[Row]:
        rows = super().fetch(text, params)
        if self.database.replies_to_lose:
            self.database.replies_to_lose -= 1
            raise psycopg.OperationalError("the connection broke before the answer")
        return rows


def _fail(*_: object) -> NoReturn:
    raise psycopg.OperationalError("the connection broke before the question")


@task(name="shop.f")
def _f() -> None: ...


class Desk:
    """A fetcher without its worker."""

    def __init__(
        self, database_url: str, link: Link, *queues: str, reconcile_seconds: float = 30.0
    ) -> None:
        queues = queues or ("default",)
        self.link = link
        self.database = LossyDatabase(database_url)
        self.worker_id = run(
            link,
            workers.register_worker(
                supervisor_id=1,
                executor="greenlet",
                slots=5,
                host="here",
                queues=list(queues),
                lease_seconds=60,
            ),
        )
        self.scoreboard = Scoreboard(100)
        self.in_flight = InFlight(
            slots=5, prefetch_max=0, settling_max=100, scoreboard=self.scoreboard
        )
        self.released: list[ActiveAttempt] = []
        self.taken_away: list[ActiveAttempt] = []
        self.handed_back: set[str] = set()
        self.fetcher = Fetcher(
            self.database,
            self.in_flight,
            worker_id=self.worker_id,
            executor="greenlet",
            queues=Queues(queues, is_round_robin=False),
            on_claimed=self._held,
            on_arrived=lambda: None,
            on_release=self.released.extend,
            on_taken_away=self.taken_away.extend,
            reconcile_seconds=reconcile_seconds,
        )
        self.fetcher.whole_link()  # so that the first reply is that to a claim

    def turn(self) -> None:
        """One turn of the fetcher, with what a loop does after an error."""
        try:
            self.fetcher.run_once()
        except psycopg.OperationalError as error:
            self.fetcher._after(error)

    @property
    def waiting_ids(self) -> list[int]:
        return [attempt.claimed.id for attempt in self.in_flight.take_out_waiting()]

    def _held(self, claimed: Sequence[ClaimedAttempt], received_at: float) -> list[ActiveAttempt]:
        return [
            ActiveAttempt(each, _f, received_at)
            for each in claimed
            if each.task not in self.handed_back
        ]


@pytest.fixture
def desk(database_url: str, link: Link) -> Any:
    desk = Desk(database_url, link)
    yield desk
    desk.fetcher.close()


def test_what_a_claim_without_a_reply_took_is_taken_in_hand(desk: Desk, client: Client) -> None:
    ids = [client.enqueue("shop.f", priority=priority).id for priority in (0, 5)]
    desk.database.replies_to_lose = 1

    desk.turn()
    assert [] == desk.in_flight.all()
    desk.turn()

    assert [ids[1], ids[0]] == desk.waiting_ids
    assert [1, 1] == [client.job(each).attempt for each in ids]


def test_a_reply_lost_while_taking_account_is_asked_for_again(desk: Desk, client: Client) -> None:
    job = client.enqueue("shop.f")
    desk.database.replies_to_lose = 2

    for _ in range(3):
        desk.turn()

    assert [job.id] == desk.waiting_ids


def test_a_claim_that_commits_after_its_connection_broke_is_found_a_lease_later(
    database_url: str, link: Link, client: Client
) -> None:
    desk = Desk(database_url, link, reconcile_seconds=0.0)
    job = client.enqueue("shop.f")
    claim = claiming.claim(
        worker_id=desk.worker_id,
        executor="greenlet",
        queues=["default"],
        unknown_tasks=[],
        jobs_max=5,
        slots_free=5,
    )

    with link.transaction():
        run(link, claim)
        desk.turn()
        assert [] == desk.in_flight.all()
    desk.turn()
    desk.fetcher.close()

    assert [job.id] == desk.waiting_ids


def test_after_a_connection_broke_an_account_is_taken_again_soon(
    desk: Desk, link: Link, client: Client
) -> None:
    job = client.enqueue("shop.f")
    claim = claiming.claim(
        worker_id=desk.worker_id,
        executor="greenlet",
        queues=["default"],
        unknown_tasks=[],
        jobs_max=5,
        slots_free=5,
    )

    with link.transaction():
        run(link, claim)
        desk.fetcher._after(psycopg.OperationalError("it broke while that was under way"))
        pause = desk.fetcher.run_once()
        assert [] == desk.in_flight.all()
    assert 0.0 < pause < 1.0
    threading.Event().wait(pause)
    desk.turn()

    assert [job.id] == desk.waiting_ids


def test_a_hint_is_not_lost_with_the_connection(desk: Desk, client: Client) -> None:
    desk.turn()
    desk.fetcher.queues_ready(["default"])
    assert desk.fetcher._link is not None
    desk.fetcher._link.raw.pgconn.finish()
    job = client.enqueue("shop.f")

    desk.turn()
    desk.turn()

    assert [job.id] == desk.waiting_ids


def test_a_claim_that_failed_is_tried_again_without_another_hint(
    desk: Desk, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.turn()
    job = client.enqueue("shop.f")
    desk.fetcher.queues_ready(["default"])
    with monkeypatch.context() as broken:
        broken.setattr(LossyLink, "fetch", _fail)
        desk.turn()

    desk.turn()

    assert [job.id] == desk.waiting_ids


_TAKES_AWAY = """
create function pgqueue.take_away() returns trigger language plpgsql as $$
begin
  return null;
end $$;
create trigger take_away before update on pgqueue.jobs
for each row execute function pgqueue.take_away()
"""


@pytest.mark.parametrize("is_woken", [False, True])
def test_claims_that_a_trigger_takes_away_do_not_go_round_but_for_a_hint(
    desk: Desk, client: Client, monkeypatch: pytest.MonkeyPatch, is_woken: bool
) -> None:
    for _ in range(9):  # more than there is room for
        client.enqueue("shop.f")
    desk.link.raw.execute(_TAKES_AWAY.encode())
    desk.turn()
    desk.fetcher.queues_ready(["default"])
    fetch = LossyLink.fetch

    def fetched(link: LossyLink, text: str, params: Mapping[str, object]) -> Sequence[Row]:
        rows = fetch(link, text, params)
        if is_woken:
            desk.fetcher.queues_ready(["default"])
        return rows

    monkeypatch.setattr(LossyLink, "fetch", fetched)
    pause = desk.fetcher.run_once()

    assert is_woken == (pause == 0.0)
    assert is_woken != desk.scoreboard.is_waiting
    assert [] == desk.in_flight.all()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    return Now(monkeypatch)


def test_a_worker_looks_by_itself_when_no_hint_comes(desk: Desk, client: Client) -> None:
    desk.turn()
    job = client.enqueue("shop.f")
    desk.turn()
    assert [] == desk.in_flight.all()

    desk.fetcher._look_at = 0.0
    desk.turn()

    assert [job.id] == desk.waiting_ids


@pytest.fixture
def claims_sent(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, object]]:
    """The parameters of every claim, as they are sent."""
    sent: list[Mapping[str, object]] = []
    fetch = LossyLink.fetch

    def fetched(link: LossyLink, text: str, params: Mapping[str, object]) -> Sequence[Row]:
        if "jobs_max" in params:
            sent.append(params)
        return fetch(link, text, params)

    monkeypatch.setattr(LossyLink, "fetch", fetched)
    return sent


def test_after_a_hint_each_queue_is_read_from_its_front_once_and_the_worker_rests(
    database_url: str,
    link: Link,
    client: Client,
    now: Now,
    claims_sent: list[Mapping[str, object]],
) -> None:
    desk = Desk(database_url, link, "a", "b")
    for _ in range(5):
        client.enqueue("shop.f", queue="a")
    # It ends in a, so b is read from its front by another claim, later than a was.
    desk.turn()
    now.seconds += 0.5
    for each in desk.in_flight.take_out_waiting():
        desk.in_flight.settled(each.token)
    desk.turn()
    desk.fetcher.queues_ready(["a"])
    desk.turn()
    claims_sent.clear()

    for _ in range(30):
        now.seconds += 1 / 3
        desk.turn()
    desk.fetcher.close()

    assert 1 == len(claims_sent)


def test_a_claim_that_failed_asks_the_same_queues_again(
    database_url: str, link: Link, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(database_url, link, "mail/")
    desk.turn()
    job = client.enqueue("shop.f", queue="mail/a")
    desk.fetcher.queues_ready(["mail/a"])
    with monkeypatch.context() as patch:
        patch.setattr(LossyLink, "fetch", _fail)
        desk.turn()

    desk.turn()
    desk.fetcher.close()

    assert [job.id] == desk.waiting_ids


def test_what_was_claimed_without_a_reply_is_handed_back_by_a_closed_worker(
    desk: Desk, client: Client
) -> None:
    job = client.enqueue("shop.f")
    desk.database.replies_to_lose = 1

    desk.turn()
    desk.fetcher.close_intake()
    desk.turn()

    assert [job.id] == [attempt.claimed.id for attempt in desk.released]


def test_what_was_taken_away_is_let_go_and_what_has_ended_is_not(
    database_url: str, link: Link, client: Client
) -> None:
    desk = Desk(database_url, link, reconcile_seconds=0.0)
    for _ in range(3):
        client.enqueue("shop.f")
    desk.turn()
    kept, taken, ended = desk.in_flight.all()
    ended.has_ended = True

    run(link, settlements.settle([_interrupted(attempt) for attempt in (taken, ended)]))
    desk.turn()
    desk.fetcher.close()

    assert [taken] == desk.taken_away
    assert kept in desk.in_flight.all()


def _interrupted(attempt: ActiveAttempt) -> Settlement:
    claimed = attempt.claimed
    return Settlement(claimed.id, claimed.attempt, claimed.worker_id, Outcome.INTERRUPTED)


def test_what_was_taken_away_while_it_waited_does_not_start(desk: Desk, client: Client) -> None:
    job = client.enqueue("shop.f")
    desk.turn()
    (attempt,) = desk.in_flight.take_out_waiting()
    attempt.is_revoked = True
    ended: list[Settlement] = []
    runner = Runner(
        desk.in_flight,
        Limits(1_000, 1_000),
        find_task=lambda attempt: pytest.fail("it started"),
        context_of=lambda attempt, task, args: pytest.fail("it started"),
        on_started=lambda attempt: None,
        on_ended=lambda attempt, end: ended.append(end),
    )

    runner.run(attempt)

    assert [(job.id, Outcome.INTERRUPTED)] == [(each.id, each.outcome) for each in ended]


def test_nothing_is_claimed_while_a_recall_is_under_way(desk: Desk, client: Client) -> None:
    job = client.enqueue("shop.work")
    desk.scoreboard.begin_reclaim()
    desk.turn()
    before = client.job(job.id).status

    desk.scoreboard.end_reclaim()
    desk.turn()

    assert ("queued", [job.id]) == (before, desk.waiting_ids)


def test_what_was_claimed_before_a_recall_is_not_started(desk: Desk, client: Client) -> None:
    client.enqueue("shop.work")
    desk.turn()
    [before] = desk.in_flight.take_out_waiting()
    desk.scoreboard.begin_reclaim()
    desk.scoreboard.end_reclaim()
    client.enqueue("shop.work")
    desk.fetcher.queues_ready(["default"])
    desk.turn()
    [after] = desk.in_flight.take_out_waiting()

    for attempt in (before, after):
        desk.in_flight.started(attempt)

    assert (True, False) == (before.is_revoked, after.is_revoked)


def test_nothing_is_claimed_while_a_job_keeps_the_main_thread(
    desk: Desk, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.enqueue("shop.work")
    desk.turn()
    attempt = desk.in_flight.take_next()
    assert attempt
    desk.in_flight.started(attempt)
    client.enqueue("shop.work")
    now = time.monotonic() + 1
    monkeypatch.setattr(time, "monotonic", lambda: now)

    blocked = desk.in_flight.room()
    desk.in_flight.show(None)

    assert ((0, 0), (4, 4)) == (blocked, desk.in_flight.room())


def test_workers_that_start_together_take_account_at_different_times(
    database_url: str, link: Link, now: Now
) -> None:
    first = [Desk(database_url, link).fetcher for _ in range(5)]
    for each in first:
        each.close()

    pauses = {each._reconcile_at - now.seconds for each in first}

    assert 5 == len(pauses)
    assert all(15.0 <= pause <= 30.0 for pause in pauses)


def test_an_attempt_that_left_the_queue_has_a_slot_before_it_starts(
    desk: Desk, client: Client
) -> None:
    for _ in range(3):
        client.enqueue("shop.f")
    desk.turn()

    before = desk.in_flight.room()
    taken = [desk.in_flight.take_next(wait=False) for _ in range(4)]

    assert [True, True, True, False] == [attempt is not None for attempt in taken]
    assert before == (2, 2) == desk.in_flight.room()


def test_an_end_that_cannot_be_settled_yet_sends_back_nothing_else(
    desk: Desk, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Handed back unstarted; somebody's transaction has its row locked, and it stays in hand.
    client.enqueue("shop.f")
    desk.turn()
    [put_off] = desk.in_flight.take_out_waiting()
    put_off.has_ended = True
    now = time.monotonic() + 5
    monkeypatch.setattr(time, "monotonic", lambda: now)
    fresh = [client.enqueue("shop.f").id for _ in range(9)]
    desk.fetcher.queues_ready(["default"])

    for _ in range(3):
        desk.turn()

    assert [] == desk.released
    assert fresh[:5] == desk.waiting_ids


@pytest.mark.parametrize("known_count, is_left", [(NAMES_MAX - 1, False), (NAMES_MAX, True)])
def test_more_unknown_tasks_than_can_be_left_out_do_not_go_round_without_a_pause(
    desk: Desk, client: Client, known_count: int, is_left: bool
) -> None:
    for _ in range(9):
        client.enqueue("shop.g")
    desk.handed_back = {"shop.g"}
    for number in range(known_count):
        desk.fetcher.leave_to_others(f"elsewhere.{number}")

    pause = desk.fetcher.run_once()

    assert is_left == (pause > 0)


@pytest.mark.parametrize("is_reclaiming", [True, False])
def test_what_was_claimed_without_a_reply_before_a_recall_is_not_started(
    desk: Desk, client: Client, is_reclaiming: bool
) -> None:
    # The recall has read it as claimed, and hands it back at this moment.
    client.enqueue("shop.work")
    desk.database.replies_to_lose = 1
    desk.turn()
    if is_reclaiming:
        desk.scoreboard.begin_reclaim()
        desk.scoreboard.end_reclaim()

    desk.turn()
    [attempt] = desk.in_flight.take_out_waiting()
    desk.in_flight.started(attempt)

    assert is_reclaiming == attempt.is_revoked


def test_a_turn_of_an_idle_worker_asks_the_database_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.turn()
    turned_at = desk.scoreboard.stalled_seconds()
    monkeypatch.setattr(desk.fetcher, "whole_link", _fail)

    pause = desk.fetcher.run_once()

    assert 0 < pause <= 2
    assert desk.scoreboard.stalled_seconds() <= turned_at + 1


def test_a_job_that_nobody_told_of_is_found_with_an_account_once_a_minute(
    desk: Desk, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.turn()
    job = client.enqueue("shop.f")
    began, found = time.monotonic(), []

    for seconds in (30.1, 45.0, 60.3):
        now = began + seconds
        monkeypatch.setattr(time, "monotonic", lambda: now)  # noqa: B023
        desk.turn()
        found.append([attempt.claimed.id for attempt in desk.in_flight.all()])

    assert [[], [], [job.id]] == found
