"""Values are stored only when they read back equal."""

import json
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from itertools import count
from math import copysign
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr, TypeAdapter

from pgqueue.core.errors import (
    InvalidArguments,
    PayloadTooLarge,
    UnstorableValue,
)
from pgqueue.core.values.arguments import Payload, encode_mapping


class Opaque:
    """Something JSON knows nothing of, with a name that is the same in every process."""

    def __repr__(self) -> str:
        return "<opaque>"


class Colour(Enum):
    """A plain enum."""

    RED = "red"


class Level(IntEnum):
    """An enum of ints."""

    HIGH = 3


@dataclass
class Line:
    """One line of an order."""

    name: str
    price: Decimal
    sizes: tuple[float, ...] = ()


@dataclass(eq=False)
class Identified:
    """A dataclass that compares by identity."""

    number: int


class Order(BaseModel):
    """A model with a list of dataclasses."""

    id: uuid.UUID
    lines: list[Line]
    placed_at: datetime
    note: str = Field(default="", alias="remark")


class Forgetful(BaseModel):
    """A model that leaves a field out when it is dumped."""

    kept: int = 0
    dropped: int = Field(default=0, exclude=True)


@dataclass
class Tree:
    """A dataclass of itself."""

    children: "list[Tree]" = field(default_factory=list)


def anything(x): ...


def payload_of(hint):
    """The payload of a function of one parameter with that hint."""

    def function(x): ...

    function.__annotations__ = {"x": hint}
    return Payload(function, task="shop.f")


ORDER = Order.model_construct(
    id=uuid.UUID(int=7),
    lines=[Line("a", Decimal("1.10"), (1.0, 1e22)), Line("b", Decimal("NaN").from_float(2.5))],
    placed_at=datetime(2026, 11, 23, 18, 0, tzinfo=UTC),
    note="",
)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, 2**63 - 1),
        (float, 1e22),
        (float, 5e-324),
        (bool, True),
        (str, "ünï\u2028cöde 𝄞"),
        (bytes, b"\x00\xff"),
        (list, [1, None, {"a": [1.5]}]),
        (tuple[int, str], (1, "a")),
        (set[int], {1, 2}),
        (frozenset[str], frozenset({"a"})),
        (dict[int, str], {1: "a"}),
        (dict[uuid.UUID, date], {uuid.UUID(int=1): date(2026, 1, 1)}),
        (uuid.UUID, uuid.UUID(int=5)),
        (datetime, datetime(2026, 1, 1, 12, 0, 0, 123456)),
        (datetime, datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))),
        (timedelta, timedelta(days=1, microseconds=1)),
        (Decimal, Decimal("0.10")),
        (Path, Path("/tmp")),
        (Colour, Colour.RED),
        (Level, Level.HIGH),
        (Literal["a", "b"], "a"),
        (int | str | None, "1"),
        (Annotated[int, Field(gt=0)], 1),
        (Line, Line("a", Decimal("1.5"), (1.0,))),
        (Order, ORDER),
        (list[Order], [ORDER]),
        (Tree, Tree([Tree(), Tree([Tree()])])),
    ],
    ids=str,
)
def test_a_hinted_value_reads_back_equal(hint, value):
    payload = payload_of(hint)

    back = payload.decode(payload.encode((value,), {}))

    assert type(value) is type(back["x"])
    assert value == back["x"] or value.astimezone(UTC) == back["x"].astimezone(UTC)


def test_a_dataclass_without_equality_is_compared_by_its_fields():
    payload = payload_of(Identified)

    back = payload.decode(payload.encode((Identified(7),), {}))

    assert 7 == back["x"].number


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=()), max_size=4), inner)
    ),
    max_leaves=12,
)


def is_identical(left, right):
    """Equal, of the same types, and with the same sign of zero."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(is_identical, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(
            is_identical(left[key], right[key]) for key in left
        )
    if isinstance(left, float):
        return left == right and copysign(1, left) == copysign(1, right)
    return left == right


def as_jsonb_prints(text):
    """The text after jsonb: numbers as decimals, without exponents."""

    def written(value):
        if isinstance(value, dict):
            return "{" + ",".join(f"{json.dumps(k)}:{written(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return f"[{','.join(map(written, value))}]"
        return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value)

    return written(json.loads(text, parse_float=Decimal, parse_int=Decimal))


@given(JSON)
def test_a_value_without_a_hint_reads_back_identical_or_is_refused(value):
    payload = Payload(anything)

    with suppress(UnstorableValue):
        text = payload.encode((value,), {})

        assert is_identical(value, payload.decode(as_jsonb_prints(text))["x"])


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_arguments_by_name_read_back_identical_or_are_refused(value):
    with suppress(UnstorableValue):
        text = encode_mapping(value, task="shop.f")

        assert is_identical(value, json.loads(as_jsonb_prints(text)))


def deep(levels):
    """Lists in lists, as many as said."""
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("hint", "value", "path"),
    [
        (Any, (1,), "args.x"),
        (Any, {"a": [{1, 2}]}, "args.x.a[0]"),
        (Any, {1: "a"}, "args.x"),
        (Any, uuid.UUID(int=1), "args.x"),
        (Any, datetime(2026, 1, 1), "args.x"),
        (Any, Level.HIGH, "args.x"),
        (Any, b"\xff", "args.x"),
        (Any, [{"a b": [Opaque()]}], "args.x[0]['a b'][0]"),
        (Any, 10**400, "args.x"),
        (Any, -0.0, "args.x"),
        (float, -0.0, "args.x"),
        (float, float("nan"), "args.x"),
        (list[float], [1.0, float("inf")], "args.x[1]"),
        (int, 2**63, "args.x"),
        (str, "a\0", "args.x"),
        (str, "\ud800", "args.x"),
        (dict[str, int], {"\ud800": 1}, "args.x"),
        (Line, Line("a\0", Decimal(1)), "args.x.name"),
        (Line, Line("a", Decimal(1), (1.0, float("nan"))), "args.x.sizes[1]"),
        (Forgetful, Forgetful(dropped=3), "args.x.dropped"),
        (SecretStr, SecretStr("hidden"), "args.x"),
        (dict[Any, int], {1: 1, "1": 1}, "args.x"),
    ],
    ids=repr,
)
def test_a_value_that_would_not_read_back_equal_is_refused_by_its_path(hint, value, path):
    with pytest.raises(UnstorableValue) as caught:
        payload_of(hint).encode((value,), {})

    assert path == caught.value.path


@pytest.mark.parametrize("levels", [64, 1_000, 5_000])
def test_a_value_that_is_too_deep_is_refused(levels):
    with pytest.raises(UnstorableValue, match="deeper than 64") as caught:
        Payload(anything).encode((deep(levels),), {})

    assert caught.value.path.startswith("args.x[0][0]")


def test_a_value_that_contains_itself_is_refused():
    ring = {}
    ring["ring"] = [ring]

    with pytest.raises(UnstorableValue, match="contains itself"):
        Payload(anything).encode((ring,), {})


def laughs():
    """A list of two of a list of two …: written out it would be 2**60 texts."""
    value = ["ha"]
    for _ in range(60):
        value = [value, value]
    return value


def test_a_value_that_never_ends_is_refused_by_its_path():
    with pytest.raises(UnstorableValue, match="may never end") as caught:
        Payload(anything).encode(({"numbers": [count()]},), {})

    assert "args.x.numbers[0]" == caught.value.path


def test_an_iterator_is_read_where_a_hint_names_a_container():
    assert '{"x":[1,2]}' == payload_of(list[int]).encode((iter([1, 2]),), {})


def test_a_key_of_another_class_is_refused():
    class Name(str): ...

    with pytest.raises(UnstorableValue, match="keys would come back changed"):
        Payload(anything).encode(({Name("a"): 1},), {})
    with pytest.raises(UnstorableValue, match="a key of type Name"):
        encode_mapping({"x": {Name("a"): 1}}, task="shop.f")


def test_small_floats_are_counted_as_jsonb_will_print_them():
    with pytest.raises(PayloadTooLarge):
        Payload(anything).encode(([5e-324] * 1_000,), {})


def test_a_value_is_stored_as_its_hint_reads_it():
    def send(user_id: int, ratio: float): ...

    assert '{"user_id":7,"ratio":1.0}' == Payload(send).encode(("7", 1), {})


PLAIN = st.text() | st.integers() | st.booleans() | st.none()


@given(value=PLAIN | st.floats())
def test_plain_values_are_stored_as_inside_of_others(value):
    alone, inside = (refused_or(payload_of(Any).encode, each) for each in (value, [value]))

    if alone is None:
        assert inside is None
    else:
        assert alone == inside.replace("[", "", 1)[::-1].replace("]", "", 1)[::-1]


@given(value=PLAIN)
@pytest.mark.parametrize("hint", [int, str, bool, float, int | None])
def test_a_plain_hint_reads_back_what_it_let_through(hint, value):
    payload = payload_of(hint)
    stored = refused_or(payload.encode, value)

    if stored is not None:
        assert is_identical(TypeAdapter(hint).validate_python(value), payload.decode(stored)["x"])


def refused_or(encode, value):
    try:
        return encode((value,), {})
    except (InvalidArguments, UnstorableValue):
        return None
