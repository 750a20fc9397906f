"""Results are stored as they are, or with each value replaced that cannot be stored."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from pgqueue.core.errors import ResultTooLarge, UnstorableValue
from pgqueue.core.values.result import encode_result, salvage_result


class Opaque:
    """Something JSON knows nothing of, with a name that is the same in every process."""

    def __repr__(self):
        return "<opaque>"


class Level(IntEnum):
    """An enum of ints."""

    HIGH = 3


@dataclass
class Line:
    """A dataclass that may hold anything."""

    name: Any
    price: Decimal = Decimal("1.5")


class Order(BaseModel):
    """A model."""

    id: int
    lines: list[Line] = []


def deep(levels):
    """Lists in lists, as many as said."""
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (7, "7"),
        ("é", '"é"'),
        (-0.0, "-0.0"),
        ((1, {2}), "[1,[2]]"),
        ({1: uuid.UUID(int=1)}, '{"1":"00000000-0000-0000-0000-000000000001"}'),
        (Line("a"), '{"name":"a","price":"1.5"}'),
        (Order(id=1, lines=[Line("a")]), '{"id":1,"lines":[{"name":"a","price":"1.5"}]}'),
        (datetime(2026, 1, 1, tzinfo=UTC), '"2026-01-01T00:00:00Z"'),
        (Level.HIGH, "3"),
        (b"\xff", '"_w=="'),
        (1e-07, "0.0000001"),
    ],
)
def test_a_result_becomes_json(value, text):
    assert text == encode_result(value)


@pytest.mark.parametrize(
    ("value", "path", "stored"),
    [
        ("a\0", "result", "a\ufffd"),
        ({"rows": [1, "\ud800"]}, "result.rows[1]", {"rows": [1, "\ufffd"]}),
        ({"a\0": 1}, "result", {"a\ufffd": 1}),
        ([float("nan"), 1], "result[0]", ["\ufffdnan", 1]),
        (2**64, "result", "\ufffd18446744073709551616"),
        ({"file": Opaque(), "n": 1}, "result.file", {"file": "\ufffd<Opaque>", "n": 1}),
        (Line(float("inf")), "result.name", {"name": "\ufffdinf", "price": "1.5"}),
        (Line(Opaque()), "result", {"name": "\ufffd<Opaque>", "price": "1.5"}),
        (Line(count()), "result", "\ufffd<Line>"),
        ([count()], "result[0]", ["\ufffd<count>"]),
        ({1: "a", "1": "b"}, "result", {"1": "a", "1\ufffd1": "b"}),
        ({Opaque(): 1}, "result", {"\ufffd<Opaque>": 1}),
    ],
    ids=repr,
)
def test_a_value_that_cannot_be_stored_is_replaced_and_named_by_its_path(value, path, stored):
    result = salvage_result(value)

    assert stored == json.loads(result.text)
    assert isinstance(result.problem, UnstorableValue)
    assert path == result.problem.path


def test_a_value_that_is_too_deep_is_replaced():
    result = salvage_result(deep(100))

    assert '"\ufffd[[[' in result.text
    assert "deeper than 64" in str(result.problem)


def test_64_levels_are_not_too_deep():
    assert salvage_result(deep(64)).problem is None


def test_a_result_that_contains_itself_is_stored():
    ring = [1]
    ring.append(ring)

    assert "contains itself" in str(salvage_result(ring).problem)


def test_a_strict_result_is_refused_instead():
    with pytest.raises(UnstorableValue) as caught:
        encode_result(["a\0"])

    assert "result[0]" == caught.value.path


@pytest.mark.parametrize("value", ["é" * 50, ["a"] * 100, [[[]] * 50], list(range(95))])
def test_a_result_that_is_too_large_is_replaced_by_its_problem(value):
    result = salvage_result(value, result_bytes_max=99)

    assert isinstance(result.problem, ResultTooLarge)
    assert json.loads(result.text).startswith("\ufffd The result takes ")


def test_a_result_that_would_grow_without_end_is_too_large():
    laughs = ["ha"]
    for _ in range(60):
        laughs = [laughs, laughs]

    assert isinstance(salvage_result(laughs).problem, ResultTooLarge)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=8)
    | st.binary(max_size=4)
    | st.builds(Opaque)
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.text(max_size=2) | st.none(), inner, max_size=4)
        | st.builds(Line, inner)
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_every_result_is_stored_and_marked_when_it_is_not_whole(value):
    result = salvage_result(value)

    tree = json.loads(result.text)
    assert "\0" not in str(tree)
    assert result.text.encode()
    assert result.problem is None or "\ufffd" in result.text
