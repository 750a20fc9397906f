"""A batch shrinks to the item that is refused, and grows back."""

from pgqueue.core.adaptive_batch import AdaptiveBatch


def test_a_batch_is_halved_down_to_one_and_no_further() -> None:
    batch = AdaptiveBatch(500)

    sizes = [batch.size]
    while batch.halve(batch.size):
        sizes.append(batch.size)

    assert [500, 250, 125, 62, 31, 15, 7, 3, 1] == sizes
    assert 1 == batch.size


def test_the_size_of_a_refused_batch_is_halved_where_it_was_smaller() -> None:
    batch = AdaptiveBatch(500)

    assert batch.halve(3)
    assert 1 == batch.size


def test_a_batch_grows_back_after_twenty_successes_and_no_further() -> None:
    batch = AdaptiveBatch(500)
    batch.halve(2)

    sizes = []
    for _ in range(21):
        batch.grow()
        sizes.append(batch.size)

    assert (26, 476, 500, 500) == (sizes[0], sizes[18], sizes[19], sizes[20])
