"""A goal that names a peer is judged by that peer's rounds of the same run, or not at all."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import report
from benchmarks.peers import __main__ as peers_main
from benchmarks.peers import turn
from benchmarks.peers.table import held_cell
from benchmarks.peers.turn import Counts, Look, Turn, TurnFailed, rate_of_last_third
from benchmarks.peers.verdict import verdicts, wait

_NOWHERE: Any = None


def _rounds(*told: tuple[float, float, float], first: int = 1) -> list[dict[str, Any]]:
    """By the rate of a drain, that of a bulk call, and seconds to start."""
    return [
        {
            "round": number,
            "drain_two": drain,
            "bulk": [bulk, bulk],
            "from_return_seconds": [seconds] * 99,
        }
        for number, (drain, bulk, seconds) in enumerate(told, first)
    ]


class _Drain:
    """A long drain whose every answer is told: how many are finished at each look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answers: list[int]) -> None:
        self._answers = answers
        self._now = 100.0
        clock = SimpleNamespace(time=lambda: self._now, sleep=self._sleep)
        monkeypatch.setattr(turn, "time", clock)
        monkeypatch.setattr(turn, "_answer", lambda *_: self._answers.pop(0))

    def _sleep(self, seconds: float) -> None:
        self._now += 1.0

    def looks(self, count: int) -> list[Look]:
        """What `Turn` saw of it, a second apart."""
        peer: Any = SimpleNamespace(finished="", jobs_share=1.0)
        environment: Any = SimpleNamespace(peer=peer, folder=Path())
        working: Any = SimpleNamespace(first_start=lambda: 100.0, check=lambda: None)
        return Turn(_NOWHERE, environment, Counts(1, 1, 1))._watch(_NOWHERE, working, count)


def test_each_goal_is_judged_by_the_peer_that_it_names() -> None:
    turns = {
        "pgqueue": _rounds((100, 60, 0.002), (90, 60, 0.002), (300, 60, 0.002)),
        "pgqueuer": _rounds((50, 1, 0.004), (50, 1, 0.004), (50, 1, 0.004)),
        "graphile-worker": _rounds((100, 30, 0.001), (100, 40, 0.001), (100, 30, 0.001)),
        "saq": _rounds((1, 1, 1)),
    }

    judged = {f"{each.name} {each.line.title}": each for each in verdicts(turns)}

    assert {
        "P2 drain by two workers, against pgqueuer": (2, "reached"),
        "P2 drain by two workers, against graphile-worker": (1, "missed"),
        "P6 bulk call, against graphile-worker": (2, "reached"),
        "P7 commit to start (ms), p50, against graphile-worker": (2, "missed"),
        "P7 commit to start (ms), p99, against pgqueuer": (0.5, "reached"),
    } == {title: (pytest.approx(each.value), each.verdict) for title, each in judged.items()}
    assert [0.9, 1, 3] == judged["P2 drain by two workers, against graphile-worker"].values
    assert report.table(list(judged.values())).row_count == len(judged)


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
def test_who_was_not_in_the_run_is_not_compared_with(names: list[str], goals: list[str]) -> None:
    turns = {name: _rounds((1, 1, 1)) for name in names} | {"pg-boss": []}

    assert goals == [each.name for each in verdicts(turns)]


def test_a_peer_that_failed_in_a_round_is_judged_by_those_that_it_shares_with_us() -> None:
    ours = _rounds((4, 1, 1), (9, 1, 1))

    later = verdicts({"pgqueue": ours, "pgqueuer": _rounds((1, 1, 1))})
    earlier = verdicts({"pgqueue": ours, "pgqueuer": _rounds((1, 1, 1), first=2)})

    assert [[4], [1]] == [each.values for each in later]
    assert [[9], [1]] == [each.values for each in earlier]
    assert [] == verdicts({"pgqueue": ours[:1], "pgqueuer": _rounds((1, 1, 1), first=2)})


def test_each_turn_tells_its_round_and_who_failed_has_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class OneTurn:
        def __init__(self, place: object, environment: Any, counts: object) -> None:
            self._peer = environment.peer

        def measure(self) -> dict[str, Any]:
            self._peer.turns += 1
            if self._peer.turns == self._peer.fails_in:
                raise TurnFailed("lost")
            return {}

    peers = [SimpleNamespace(name=f"fails in {n}", fails_in=n, turns=0) for n in (1, 2, 9)]
    environments: Any = [SimpleNamespace(peer=each) for each in peers]
    monkeypatch.setattr(peers_main, "Turn", OneTurn)

    turns, failed = peers_main._measure(_NOWHERE, environments, Counts(1, 1, 1), rounds=3)

    told = {name: [each["round"] for each in theirs] for name, theirs in turns.items()}
    assert {"fails in 1": [], "fails in 2": [1], "fails in 9": [1, 2, 3]} == told
    assert ["fails in 1", "fails in 2"] == list(failed)


def test_a_wait_is_one_of_all_rounds() -> None:
    rounds = [{"from_return_seconds": [0.001 * n for n in range(1, 51)]}]
    rounds += [{"from_return_seconds": [0.001 * n for n in range(51, 102)]}]

    assert (51, 100) == (pytest.approx(wait(rounds, 50)), pytest.approx(wait(rounds, 99)))


def test_the_last_third_of_a_drain_is_of_the_jobs_and_not_of_the_time() -> None:
    slower = [Look(0, 0), Look(1, 100), Look(2, 200), Look(12, 300)]
    even = [Look(0, 0), Look(1, 100), Look(2, 200), Look(3, 300)]

    assert (10, 100) == (rate_of_last_third(slower), rate_of_last_third(even))
    assert 100 == pytest.approx(rate_of_last_third([Look(0, 0), Look(3, 300)]))


def test_a_long_drain_is_looked_at_until_all_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = _Drain(monkeypatch, [10, 30, 90, 99]).looks(count=90)

    assert [(0, 0), (1, 10), (2, 30), (3, 90)] == [look[:2] for look in looks]


def test_a_long_drain_that_takes_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "LONG_SECONDS_MAX", 2.0)

    looks = _Drain(monkeypatch, [10, 30, 90]).looks(count=90)

    assert [(0, 0), (1, 10), (2, 30)] == [look[:2] for look in looks]
    with pytest.raises(TurnFailed, match="nothing of 90 jobs was finished in 2"):
        _Drain(monkeypatch, [0, 0, 0]).looks(count=90)


def test_a_rate_under_a_held_snapshot_is_told_beside_that_without() -> None:
    free = {"last_third": 100.0, "finished": 90, "count": 90}
    whole = {"free": free, "held": {"last_third": 50.0, "finished": 90, "count": 90}}
    part = {"free": free, "held": {"last_third": 10.0, "finished": 45, "count": 90}}

    assert "50, x 0.50" == held_cell([whole])
    assert "10, x 0.10, cut off at 50%" == held_cell([whole, part, part])
