"""The pause before the next try grows, and has an end."""

from pgqueue.core.backoff import backoff_seconds


def test_each_failure_doubles_the_longest_pause() -> None:
    for failures, seconds_max in ((0, 0.1), (1, 0.2), (4, 1.6)):
        pauses = [backoff_seconds(failures) for _ in range(100)]

        assert seconds_max / 2 <= min(pauses) <= max(pauses) <= seconds_max


def test_a_pause_is_never_longer_than_ten_seconds() -> None:
    assert 5.0 <= backoff_seconds(10_000) <= 10.0
