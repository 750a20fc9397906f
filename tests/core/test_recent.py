"""What strangers name stays bounded."""

from pgqueue.core.bounded_names import BoundedNames


def test_a_name_is_new_once() -> None:
    recent = BoundedNames(3)

    assert [True, True, False] == [recent.add(name) for name in ("a", "b", "a")]
    assert ["c"] == recent.add_all(["b", "c"])
    assert ["a", "b", "c"] == list(recent)


def test_the_name_that_was_known_longest_makes_room() -> None:
    recent = BoundedNames(2)

    before = recent.is_full
    recent.add_all(["a", "b", "c"])

    assert not before
    assert recent.is_full
    assert ["b", "c"] == list(recent)
    assert recent.add("a")
