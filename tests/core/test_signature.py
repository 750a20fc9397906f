"""A call's arguments get their names as Python binds them."""

import inspect
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgqueue.core.errors import (
    InvalidArguments,
    InvalidTask,
)
from pgqueue.core.values.arguments import Payload


@pytest.mark.parametrize(
    ("args", "kwargs", "problem"),
    [
        ((), {}, "missing a required argument: 'user_id'"),
        ((1, "a", 3), {}, "too many positional arguments"),
        ((1,), {"user_id": 1}, "multiple values for argument 'user_id'"),
        ((1,), {"templat": "a"}, "unexpected keyword argument 'templat'"),
        (("x",), {}, "args.user_id: input should be a valid integer"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_with_the_signature(args, kwargs, problem):
    def send(user_id: int, template: str = "welcome") -> str: ...

    with pytest.raises(InvalidArguments) as caught:
        Payload(send, task="shop.send").encode(args, kwargs)

    assert problem in str(caught.value)
    assert "shop.send(user_id: int, template: str = 'welcome') -> str" in str(caught.value)


def mixed(a: int, b: int = 2, *, c: int, d: int = 4): ...


def defaults(a: int = 1, b: int = 2): ...


def positional(a: int, /, b: int = 2): ...


def extra(a: int, **more: int): ...


def none(): ...


@given(
    st.sampled_from([mixed, defaults, positional, extra, none]),
    st.lists(st.integers(0, 9), max_size=3),
    st.dictionaries(st.sampled_from(["a", "b", "c", "d", "more", "é"]), st.integers(0, 9)),
)
def test_arguments_are_bound_as_python_binds_them(function, args, kwargs):
    try:
        expected = inspect.signature(function).bind(*args, **kwargs).arguments
    except TypeError as error:
        with pytest.raises(InvalidArguments, match=re.escape(str(error))):
            Payload(function).encode(args, kwargs)
        return

    expected |= expected.pop("more", {}) if function is extra else {}
    assert expected == json.loads(Payload(function).encode(args, kwargs))


def test_arguments_by_name_are_refused_with_the_name_of_each_problem():
    def send(user_id: int): ...

    with pytest.raises(InvalidArguments) as caught:
        Payload(send).encode_mapping({"user": 1})

    assert ("args.user_id is missing", "args.user is given, but there is no such parameter") == (
        caught.value.problems
    )


def test_positional_only_parameters_are_stored_by_name_and_passed_by_position():
    def add(a: int, b: int = 2, c: int = 3, /, *, d: int): ...

    payload = Payload(add)

    assert ((1,), {"d": 4}) == payload.bind_call(payload.decode(payload.encode((1,), {"d": 4})))
    assert ((1, 2, 5), {"d": 4}) == payload.bind_call({"a": 1, "c": 5, "d": 4})


def test_extra_arguments_are_stored_by_name_and_validated():
    def count(first: str, /, **totals: int): ...

    payload = Payload(count)

    assert {"first": "a", "b": 2} == payload.decode(payload.encode(("a",), {"b": "2"}))
    with pytest.raises(InvalidArguments, match=r"args\.b"):
        payload.encode(("a",), {"b": "many"})
    with pytest.raises(InvalidArguments, match="both by position and by name"):
        payload.encode(("a",), {"first": 1})


def test_values_without_names_are_refused_at_declaration():
    def add(*numbers: int): ...

    with pytest.raises(InvalidTask, match=r"\*numbers"):
        Payload(add)
