"""The numbers that children report."""

from pgqueue.process.counters import Counters, Usage, usage_of


def test_usage_sums_the_busy_slots_and_takes_the_mean_of_the_run_seconds() -> None:
    children = [
        Counters(busy_slots=3, run_seconds=0.5, claimed=9, succeeded=5, failed=1),
        Counters(busy_slots=1, run_seconds=1.5),
        Counters(),
    ]

    assert Usage(slots=15, busy_slots=4, run_seconds=1.0) == usage_of(15, children)


def test_usage_has_no_run_seconds_before_a_run_has_ended() -> None:
    assert Usage(slots=4, busy_slots=0, run_seconds=None) == usage_of(4, [Counters()])


def test_usage_of_no_child_has_the_wanted_slots() -> None:
    assert Usage(slots=4, busy_slots=0, run_seconds=None) == usage_of(4, [])
