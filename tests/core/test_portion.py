"""How a portion shrinks to what is at fault, and grows back."""

from pgqueue.core.adaptive_batch import AdaptiveBatch


def test_a_portion_is_halved_down_to_one_and_no_further() -> None:
    portion = AdaptiveBatch(500)

    sizes = [portion.size]
    while portion.halve(portion.size):
        sizes.append(portion.size)

    assert [500, 250, 125, 62, 31, 15, 7, 3, 1] == sizes
    assert 1 == portion.size


def test_what_was_asked_for_is_halved_where_it_was_less_than_a_portion() -> None:
    portion = AdaptiveBatch(500)

    assert portion.halve(3)
    assert 1 == portion.size


def test_a_portion_grows_back_in_twenty_answers_and_no_further() -> None:
    portion = AdaptiveBatch(500)
    portion.halve(2)

    sizes = []
    for _ in range(21):
        portion.grow()
        sizes.append(portion.size)

    assert (26, 476, 500, 500) == (sizes[0], sizes[18], sizes[19], sizes[20])
