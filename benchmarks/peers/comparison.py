"""The goals that compare pgqueue with a peer, by the rounds of one run."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.figure import Line, Measured
from benchmarks.goal import Goal, at_least, at_most
from benchmarks.measurement import Measurement, ratio

Rounds = Sequence[Mapping[str, Any]]
RoundsByPeer = Mapping[str, Rounds]
Compare = Callable[[Rounds, Rounds], list[Measurement]]

OURS = "pgqueue"


def comparisons(by_peer: RoundsByPeer) -> list[Measured]:
    """The goals whose peer has a round in common with pgqueue."""
    return [
        Measured(
            name, Line(name, f"{title} {peer}", "", goal), compare(by_peer[OURS], by_peer[peer])
        )
        for name, title, peer, compare, goal in _GOALS
        if _pairs(by_peer.get(OURS, ()), by_peer.get(peer, ()))
    ]


def wait(rounds: Rounds, percent: int) -> float:
    """Milliseconds from commit to start, of the jobs of all rounds."""
    waits = [seconds for figures in rounds for seconds in figures["from_return_seconds"]]
    return 1000 * float(statistics.quantiles(waits, n=100, method="inclusive")[percent - 1])


def _drains(ours: Rounds, theirs: Rounds) -> list[Measurement]:
    """The ratio of each round."""
    return [ratio(our["drain_two"], their["drain_two"]) for our, their in _pairs(ours, theirs)]


def _bulks(ours: Rounds, theirs: Rounds) -> list[Measurement]:
    """The ratio of each round; a round makes two bulk calls, one for each drain."""
    return [
        ratio(statistics.mean(our["bulk"]), statistics.mean(their["bulk"]))
        for our, their in _pairs(ours, theirs)
    ]


def _pairs(ours: Rounds, theirs: Rounds) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The figures of both peers, for each round that has both."""
    numbered = {their["round"]: their for their in theirs}
    return [(our, numbered[our["round"]]) for our in ours if our["round"] in numbered]


def _waits(percent: int) -> Compare:
    """One ratio of all rounds together, as in the table."""
    return lambda ours, theirs: [ratio(wait(ours, percent), wait(theirs, percent))]


_GOALS: Sequence[tuple[str, str, str, Compare, Goal]] = (
    ("P2", "drain by two workers, against", "pgqueuer", _drains, at_least(2)),
    ("P2", "drain by two workers, against", "graphile-worker", _drains, at_least(1.25)),
    ("P6", "bulk call, against", "graphile-worker", _bulks, at_least(2)),
    ("P7", "commit to start (ms), p50, against", "graphile-worker", _waits(50), at_most(1)),
    ("P7", "commit to start (ms), p99, against", "pgqueuer", _waits(99), at_most(1)),
)
