"""The numbers that children report."""

from pgqueue.process.counters import Counters, Usage, usage_of


def test_usage_sums_the_slots_and_takes_the_mean_of_the_run_seconds() -> None:
    children = [
        (10, Counters(busy_slots=3, run_seconds=0.5, claimed=9, succeeded=5, failed=1)),
        (1, Counters(busy_slots=1, run_seconds=1.5)),
        (4, Counters()),
    ]

    assert Usage(slots=15, busy_slots=4, run_seconds=1.0) == usage_of(children)


def test_usage_has_no_run_seconds_before_a_run_has_ended() -> None:
    assert Usage(slots=4, busy_slots=0, run_seconds=None) == usage_of([(4, Counters())])


def test_usage_of_no_child_is_nothing() -> None:
    assert Usage(slots=0, busy_slots=0, run_seconds=None) == usage_of([])
