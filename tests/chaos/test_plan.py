"""The plan of a run, from a seed."""

from chaos import plan
from chaos.faults import CATALOGUE
from chaos.faults.fault import Step


def test_a_seed_determines_the_faults_and_their_times() -> None:
    assert plan.draw(5, 300) == plan.draw(5, 300)
    assert plan.draw(5, 300) != plan.draw(6, 300)


def test_a_longer_run_begins_with_the_faults_of_the_shorter_one() -> None:
    short = plan.draw(5, 60)

    assert short == plan.draw(5, 300)[: len(short)]


def test_a_short_run_has_every_fault() -> None:
    drawn = {step.fault.name for step in plan.draw(20, 100)}

    assert {*CATALOGUE} == drawn


def test_overlapping_faults_need_different_parts() -> None:
    drawn = plan.draw(5, 600)

    pairs = [
        (one, other)
        for one in drawn
        for other in drawn
        if one.number < other.number and other.at_seconds < one.at_seconds + one.seconds
    ]
    assert len(pairs) > 50
    assert [] == [pair for pair in pairs if _needs(pair[0]) & _needs(pair[1])]


def _needs(step: Step) -> frozenset[str]:
    return step.fault.needs_of(step.target)
