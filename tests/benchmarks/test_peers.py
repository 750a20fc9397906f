"""A goal that names a peer is judged by that peer's rounds of the same run, or not at all."""

from typing import Any

import pytest

from benchmarks import report
from benchmarks.peers.verdict import verdicts, wait


def _round(drain: float, bulk: float, wait_seconds: float) -> dict[str, Any]:
    waits = [wait_seconds] * 99
    return {"drain_two": drain, "bulk": [bulk, bulk], "from_return_seconds": waits}


def test_each_goal_is_judged_by_the_peer_that_it_names() -> None:
    turns = {
        "pgqueue": [_round(100, 60, 0.002), _round(90, 60, 0.002), _round(300, 60, 0.002)],
        "pgqueuer": [_round(50, 1, 0.004), _round(50, 1, 0.004), _round(50, 1, 0.004)],
        "graphile-worker": [_round(100, 30, 0.001), _round(100, 40, 0.001), _round(100, 30, 0.001)],
        "saq": [_round(1, 1, 1)],
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
    turns = {name: [_round(1, 1, 1)] for name in names} | {"pg-boss": []}

    assert goals == [each.name for each in verdicts(turns)]


def test_a_peer_that_failed_in_a_later_round_is_judged_by_those_it_has() -> None:
    turns = {"pgqueue": [_round(4, 1, 1), _round(9, 1, 1)], "pgqueuer": [_round(1, 1, 1)]}

    assert [[4], [1]] == [each.values for each in verdicts(turns)]


def test_a_wait_is_one_of_all_rounds() -> None:
    rounds = [{"from_return_seconds": [0.001 * n for n in range(1, 51)]}]
    rounds += [{"from_return_seconds": [0.001 * n for n in range(51, 102)]}]

    assert (51, 100) == (pytest.approx(wait(rounds, 50)), pytest.approx(wait(rounds, 99)))
