"""Large arguments and results are carried in portions, and limit what a worker claims."""

from collections.abc import Iterator, Mapping, Sequence

import pytest
from worker.harness import FetcherHarness, FinisherHarness, LossyLink

from pgqueue.client.client import Client
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import Row
from pgqueue.worker.prefetch import Prefetch

# Compressed, the arguments of a job are less than a thousand bytes.
LARGE = {"text": "x" * 60_000}


@pytest.fixture
def harness(database_url: str, link: Link) -> Iterator[FetcherHarness]:
    harness = FetcherHarness(database_url, link)
    yield harness
    harness.fetcher.close()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The jobs and the bytes for which each claim asks."""
    limits: list[tuple[int, int]] = []
    fetch = LossyLink.fetch

    def fetch_and_record(link: LossyLink, text: str, params: Mapping[str, object]) -> Sequence[Row]:
        match params:
            case {"jobs_max": int(jobs_max), "args_bytes_max": int(args_bytes_max)}:
                limits.append((jobs_max, args_bytes_max))
        return fetch(link, text, params)

    monkeypatch.setattr(LossyLink, "fetch", fetch_and_record)
    return limits


def _ask_for(harness: FetcherHarness, args_bytes: int) -> None:
    """Let claims ask for so many bytes."""
    while harness.size.args_bytes_max > args_bytes:
        harness.size.record_failure()


def test_a_claim_takes_as_many_jobs_as_its_answer_has_space_for(
    harness: FetcherHarness, client: Client, sent: list[tuple[int, int]]
) -> None:
    ids = [client.enqueue("shop.f", LARGE).id for _ in range(3)]
    _ask_for(harness, 140_000)

    counts = []
    for _ in range(2):
        harness.turn()
        counts.append(len(harness.in_flight.all()))

    assert [2, 3] == counts
    assert ids == harness.waiting_ids
    assert 3 == sent[1][0]  # of the five that have a slot, as two had space


def test_a_job_that_is_larger_than_an_answer_is_claimed_alone(
    harness: FetcherHarness, client: Client
) -> None:
    ids = [client.enqueue("shop.f", LARGE).id for _ in range(2)]
    _ask_for(harness, 1_000)

    harness.turn()

    assert ids[:1] == harness.waiting_ids


def test_a_claim_that_was_not_answered_asks_for_less_until_others_are(
    harness: FetcherHarness, client: Client, sent: list[tuple[int, int]]
) -> None:
    harness.turn()
    harness.database.answers_to_lose = 1
    for _ in range(4):
        harness.fetcher.request_claim(["default"])
        harness.turn()

    sizes = [args_bytes for _, args_bytes in sent]
    assert sizes[0] == sizes[1] == 2 * sizes[2] < 2 * sizes[3]


def test_a_claim_whose_answer_was_lost_is_recovered_in_portions(
    harness: FetcherHarness, client: Client
) -> None:
    ids = [client.enqueue("shop.f", LARGE).id for _ in range(5)]
    harness.database.answers_to_lose = 1
    harness.turn()
    _ask_for(harness, 140_000)

    harness.turn()
    first_count = len(harness.in_flight.all())
    for _ in range(2):
        harness.turn()

    assert 2 == first_count
    assert ids == harness.waiting_ids


def test_a_recovery_that_was_not_answered_asks_for_less(
    harness: FetcherHarness, client: Client
) -> None:
    for _ in range(5):
        client.enqueue("shop.f", LARGE)
    harness.database.answers_to_lose = 1
    harness.turn()
    before = harness.size.args_bytes_max
    fetch = LossyLink.fetch

    def lose_portion(link: LossyLink, text: str, params: Mapping[str, object]) -> Sequence[Row]:
        if "attempts" in params:
            link.database.answers_to_lose = 1
        return fetch(link, text, params)

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(LossyLink, "fetch", lose_portion)
        harness.turn()

    assert before == 2 * harness.size.args_bytes_max


def test_an_answer_that_took_long_on_the_way_asks_for_less(harness: FetcherHarness) -> None:
    harness.turn()
    batch = harness.fetcher._claimant.claim(harness.fetcher.whole_link(), [], (1, 1))
    before = harness.size.args_bytes_max

    harness.size.record_answer(batch, 1.5)
    slow = harness.size.args_bytes_max
    harness.size.record_answer(batch, 0.01)

    assert before == 2 * slow
    assert slow < harness.size.args_bytes_max


def test_nothing_is_prefetched_while_large_arguments_wait() -> None:
    prefetch = Prefetch(100)
    prefetch.record_end(0.0, 0.001)
    before = prefetch.limit(5, 0)

    prefetch.add(3, 5 * 1024 * 1024)
    waiting = prefetch.limit(5, 0)
    prefetch.begin_turn(taken=3)

    assert (100, 0, 100) == (before, waiting, prefetch.limit(5, 0))


def test_nothing_is_claimed_while_large_results_wait_to_be_recorded(
    database_url: str, link: Link, client: Client
) -> None:
    harness = FinisherHarness(database_url, link, client)
    in_flight, freed = harness.in_flight, []
    in_flight.on_free_capacity = lambda: freed.append(in_flight.free_capacity())
    result = f'"{"x" * 12_000_000}"'
    before = in_flight.free_capacity()
    for attempt in harness.attempts:
        harness.end(attempt, result=result)
    waiting = in_flight.free_capacity()

    harness.finisher.run_once()
    harness.finisher.close()

    assert (0, 0) == waiting != before
    assert (0, 0) != freed[-1]
    assert ["succeeded"] * 3 == [client.job(job_id).status for job_id in harness.ids]


def test_a_settlement_that_was_not_answered_is_repeated_in_smaller_portions(
    database_url: str, link: Link, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = FinisherHarness(database_url, link, client)
    sizes: list[int] = []
    fetch = Link.fetch

    def fetch_and_record(self: Link, text: str, params: Mapping[str, object]) -> Sequence[Row]:
        rows = fetch(self, text, params)
        if "ended" in params:
            sizes.append(len(str(params["ended"])) // 3_000_000)
            if len(sizes) == 1:
                raise ConnectionError("the answer was too late")
        return rows

    monkeypatch.setattr(Link, "fetch", fetch_and_record)
    for attempt in harness.attempts:
        harness.end(attempt, result=f'"{"x" * 3_000_000}"')
    for _ in range(2):
        try:
            harness.finisher.run_once()
        except ConnectionError as error:
            harness.finisher._after(error)
    harness.finisher.close()

    assert [2, 1, 1, 1] == sizes


def test_large_arguments_are_not_kept_while_their_attempt_waits_to_be_settled(
    harness: FetcherHarness, client: Client
) -> None:
    client.enqueue("shop.f", LARGE)
    client.enqueue("shop.f")
    harness.turn()
    for run in [harness.in_flight.take_next(), harness.in_flight.take_next()]:
        assert run
        harness.in_flight.start(run[0])
        harness.in_flight.end(run[0])

    assert ["", "{}"] == [attempt.claimed.args for attempt in harness.in_flight.all()]
