"""A goal that names a peer compares the rounds of one run, or is omitted."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import report
from benchmarks.peers import __main__ as peers_main
from benchmarks.peers import peer_round
from benchmarks.peers.comparison import comparisons, wait
from benchmarks.peers.peer_round import Counts, PeerRound, RoundFailed, Sample, rate_of_last_third
from benchmarks.peers.table import snapshot_cell

_NO_SERVER: Any = None


def _rounds(*rates: tuple[float, float, float], first: int = 1) -> list[dict[str, Any]]:
    """Rounds with these rates of a drain and of a bulk call, and seconds to start."""
    return [
        {
            "round": number,
            "drain_two": drain,
            "bulk": [bulk, bulk],
            "from_return_seconds": [seconds] * 99,
        }
        for number, (drain, bulk, seconds) in enumerate(rates, first)
    ]


class _Drain:
    """A long drain with these answers: the number of finished jobs at each poll."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answers: list[int]) -> None:
        self._answers = answers
        self._now = 100.0
        clock = SimpleNamespace(time=lambda: self._now, sleep=self._sleep)
        monkeypatch.setattr(peer_round, "time", clock)
        monkeypatch.setattr(peer_round, "_value", lambda *_: self._answers.pop(0))

    def _sleep(self, seconds: float) -> None:
        self._now += 1.0

    def samples(self, count: int) -> list[Sample]:
        """The samples of a `PeerRound`, a second apart."""
        peer: Any = SimpleNamespace(finished="", jobs_share=1.0)
        environment: Any = SimpleNamespace(peer=peer, folder=Path())
        running: Any = SimpleNamespace(first_start=lambda: 100.0, check=lambda: None)
        return PeerRound(_NO_SERVER, environment, Counts(1, 1, 1))._samples(
            _NO_SERVER, running, count
        )


def test_each_goal_is_compared_with_the_peer_that_it_names() -> None:
    by_peer = {
        "pgqueue": _rounds((100, 60, 0.002), (90, 60, 0.002), (300, 60, 0.002)),
        "pgqueuer": _rounds((50, 1, 0.004), (50, 1, 0.004), (50, 1, 0.004)),
        "graphile-worker": _rounds((100, 30, 0.001), (100, 40, 0.001), (100, 30, 0.001)),
        "saq": _rounds((1, 1, 1)),
    }

    compared = {
        f"{measured.name} {measured.line.title}": measured for measured in comparisons(by_peer)
    }

    assert {
        "P2 drain by two workers, against pgqueuer": (2, "reached"),
        "P2 drain by two workers, against graphile-worker": (1, "missed"),
        "P6 bulk call, against graphile-worker": (2, "reached"),
        "P7 commit to start (ms), p50, against graphile-worker": (2, "missed"),
        "P7 commit to start (ms), p99, against pgqueuer": (0.5, "reached"),
    } == {
        title: (pytest.approx(measured.value), measured.result)
        for title, measured in compared.items()
    }
    assert [0.9, 1, 3] == compared["P2 drain by two workers, against graphile-worker"].values
    assert report.table(list(compared.values())).row_count == len(compared)


@pytest.mark.parametrize(
    "names, goals",
    [
        ([], []),
        (["pgqueue"], []),
        (["pgqueuer", "graphile-worker"], []),
        (["pgqueue", "pgqueuer"], ["P2", "P7"]),
        (["pgqueue", "graphile-worker"], ["P2", "P6", "P7"]),
    ],
)
def test_a_peer_without_rounds_is_not_compared(names: list[str], goals: list[str]) -> None:
    by_peer = {name: _rounds((1, 1, 1)) for name in names} | {"pg-boss": []}

    assert goals == [measured.name for measured in comparisons(by_peer)]


def test_a_peer_that_failed_in_a_round_is_compared_in_the_rounds_that_it_shares() -> None:
    ours = _rounds((4, 1, 1), (9, 1, 1))

    later = comparisons({"pgqueue": ours, "pgqueuer": _rounds((1, 1, 1))})
    earlier = comparisons({"pgqueue": ours, "pgqueuer": _rounds((1, 1, 1), first=2)})

    assert [[4], [1]] == [measured.values for measured in later]
    assert [[9], [1]] == [measured.values for measured in earlier]
    assert [] == comparisons({"pgqueue": ours[:1], "pgqueuer": _rounds((1, 1, 1), first=2)})


def test_each_result_has_its_round_and_a_failed_peer_has_no_further_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class OneRound:
        def __init__(self, server: object, environment: Any, counts: object) -> None:
            self._peer = environment.peer

        def measure(self) -> dict[str, Any]:
            self._peer.rounds += 1
            if self._peer.rounds == self._peer.fails_in:
                raise RoundFailed("lost")
            return {}

    peers = [SimpleNamespace(name=f"fails in {n}", fails_in=n, rounds=0) for n in (1, 2, 9)]
    environments: Any = [SimpleNamespace(peer=peer) for peer in peers]
    monkeypatch.setattr(peers_main, "PeerRound", OneRound)

    by_peer, failed = peers_main._measure(_NO_SERVER, environments, Counts(1, 1, 1), rounds=3)

    numbers = {name: [figures["round"] for figures in rounds] for name, rounds in by_peer.items()}
    assert {"fails in 1": [], "fails in 2": [1], "fails in 9": [1, 2, 3]} == numbers
    assert ["fails in 1", "fails in 2"] == list(failed)


def test_a_percentile_of_the_delays_is_of_all_rounds() -> None:
    rounds = [{"from_return_seconds": [0.001 * n for n in range(1, 51)]}]
    rounds += [{"from_return_seconds": [0.001 * n for n in range(51, 102)]}]

    assert (51, 100) == (pytest.approx(wait(rounds, 50)), pytest.approx(wait(rounds, 99)))


def test_the_last_third_of_a_drain_is_measured_in_jobs_and_not_in_time() -> None:
    slower = [Sample(0, 0), Sample(1, 100), Sample(2, 200), Sample(12, 300)]
    even = [Sample(0, 0), Sample(1, 100), Sample(2, 200), Sample(3, 300)]

    assert (10, 100) == (rate_of_last_third(slower), rate_of_last_third(even))
    assert 100 == pytest.approx(rate_of_last_third([Sample(0, 0), Sample(3, 300)]))


def test_a_long_drain_is_sampled_until_all_jobs_are_finished(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples = _Drain(monkeypatch, [10, 30, 90, 99]).samples(count=90)

    assert [(0, 0), (1, 10), (2, 30), (3, 90)] == [sample[:2] for sample in samples]


def test_a_long_drain_that_takes_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_round, "LONG_SECONDS_MAX", 2.0)

    samples = _Drain(monkeypatch, [10, 30, 90]).samples(count=90)

    assert [(0, 0), (1, 10), (2, 30)] == [sample[:2] for sample in samples]
    with pytest.raises(RoundFailed, match="nothing of 90 jobs was finished in 2"):
        _Drain(monkeypatch, [0, 0, 0]).samples(count=90)


def test_a_rate_under_a_snapshot_is_shown_as_a_share_of_that_without() -> None:
    free = {"last_third": 100.0, "finished": 90, "count": 90}
    whole = {
        "without_snapshot": free,
        "under_snapshot": {"last_third": 50.0, "finished": 90, "count": 90},
    }
    part = {
        "without_snapshot": free,
        "under_snapshot": {"last_third": 10.0, "finished": 45, "count": 90},
    }

    assert "50, x 0.50" == snapshot_cell([whole])
    assert "10, x 0.10, cut off at 50%" == snapshot_cell([whole, part, part])
