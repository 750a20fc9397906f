"""A value that jsonb would change is refused by its path."""

import json
from collections import OrderedDict
from decimal import Decimal
from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgqueue.core.errors import UnstorableValue
from pgqueue.core.values.storable import check_storable, write_json


class Level(IntEnum):
    """An int that is not only an int."""

    HIGH = 1


def nested(levels):
    """Lists in lists, as many as said."""
    value = 0
    for _ in range(levels):
        value = [value]
    return value


def own_item():
    """A list that contains itself."""
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"items": [{}, {}, {}, {"name": "a\0"}]}, "args.items[3].name"),
        ({"a b": "\ud800"}, "args['a b']"),
        ({"\ud800": 1}, "args"),
        ({"a\0": 1}, "args"),
        ({1: 1}, "args"),
        ({"x": [float("nan")]}, "args.x[0]"),
        ({"x": float("inf")}, "args.x"),
        ({"x": float("-inf")}, "args.x"),
        ({"x": 2**63}, "args.x"),
        ({"x": -(2**63) - 1}, "args.x"),
        ({"x": -0.0}, "args.x"),
        ({"x": (1,)}, "args.x"),
        ({"x": {1}}, "args.x"),
        ({"x": b""}, "args.x"),
        ({"x": Decimal(1)}, "args.x"),
        ({"x": Level.HIGH}, "args.x"),
        ({"x": OrderedDict()}, "args.x"),
    ],
)
def test_a_value_that_would_not_come_back_is_refused_by_its_path(value, path):
    with pytest.raises(UnstorableValue) as caught:
        check_storable(value)

    assert path == caught.value.path


@pytest.mark.parametrize("value", [nested(65), nested(5_000), own_item()])
def test_a_value_that_is_too_deep_is_refused_with_a_short_path(value):
    with pytest.raises(UnstorableValue, match="deeper than 64") as caught:
        check_storable(value)

    assert len(caught.value.path) < 100


def test_the_bounds_themselves_are_storable():
    check_storable({"x": [2**63 - 1, -(2**63), 1.7976931348623157e308, 5e-324, nested(62)]})


def test_a_result_may_change_a_little():
    check_storable([-0.0, Level.HIGH, OrderedDict(a=1)], "result", exact=False)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_stays_a_float_for_a_reader_of_decimals(number):
    text = write_json(number)

    # jsonb keeps a number as the decimal that it reads, and prints it without an exponent.
    printed = f"{Decimal(text):f}"
    assert repr(number) == repr(json.loads(printed))


@given(st.text())
def test_text_that_looks_like_a_number_is_left_alone(text):
    value = {"1e+16": [text, "1e+16", '"1e+16', 1e16]}

    assert value == json.loads(write_json(value))
