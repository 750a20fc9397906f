"""A value as short text: never long, never an error, and without running its own code."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgqueue.core.values.short_repr import short_repr


class Hostile(str):
    """Text that raises when it is shown."""

    def __repr__(self):
        raise RuntimeError("shown")

    __str__ = __len__ = __iter__ = __hash__ = __repr__  # type: ignore[assignment]


def ring():
    """A list that contains itself."""
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (7, "7"),
        ("a\0", r"'a\x00'"),
        (None, "None"),
        ({"a": [1, (2, b"c")]}, "{'a': [1, (2, b'c')]}"),
        ([1, 2, 3, 4, 5], "[1, 2, 3, 4, …]"),
        (UUID(int=1), "UUID('00000000-0000-0000-0000-000000000001')"),
        (10**5_000, "<int>"),
        (Hostile("a"), "<Hostile>"),
        ([Hostile("a")], "[<Hostile>]"),
        (ring(), "[[[<list>]]]"),
        ("n" * 1_000, f"'{'n' * 59}… (str)"),
    ],
    ids=lambda value: value[:20] if type(value) is str else type(value).__name__,
)
def test_a_value_is_shown_as_short_text(value, shown):
    assert shown == short_repr(value)


@given(st.recursive(st.text() | st.integers() | st.binary(), lambda inner: st.lists(inner)))
def test_no_value_is_shown_as_long_text(value):
    assert len(short_repr(value)) <= 100
