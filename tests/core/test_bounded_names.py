"""A set of names from outside stays bounded."""

from pgqueue.core.bounded_names import BoundedNames


def test_a_name_is_new_once() -> None:
    names = BoundedNames(3)

    assert [True, True, False] == [names.add(name) for name in ("a", "b", "a")]
    assert ["c"] == names.add_all(["b", "c"])
    assert ["a", "b", "c"] == list(names)


def test_the_oldest_name_is_dropped_for_a_new_one() -> None:
    names = BoundedNames(2)

    before = names.is_full
    names.add_all(["a", "b", "c"])

    assert not before
    assert names.is_full
    assert ["b", "c"] == list(names)
    assert names.add("a")
