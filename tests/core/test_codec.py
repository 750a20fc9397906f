"""Type hints are resolved at their first use, and need a form in JSON."""

import uuid

import pytest

from pgqueue.core.errors import (
    InvalidTask,
)
from pgqueue.core.values.arguments import Payload


def payload_of(hint):
    """The payload of a function of one parameter with that hint."""

    def function(x): ...

    function.__annotations__ = {"x": hint}
    return Payload(function, task="shop.f")


def test_a_hint_may_be_defined_after_the_function():
    namespace = {}
    exec("def f(x: 'Later'): ...", namespace)
    payload = Payload(namespace["f"])
    exec("from uuid import UUID as Later", namespace)

    assert {"x": uuid.UUID(int=1)} == payload.decode(payload.encode((uuid.UUID(int=1),), {}))


def test_a_hint_that_names_nothing_is_refused_at_its_first_use():
    def send(user: "Missing"): ...  # noqa: F821

    payload = Payload(send)

    with pytest.raises(InvalidTask, match="name 'Missing' is not defined"):
        payload.encode((1,), {})


def test_the_hint_of_the_return_value_is_never_needed():
    def send(user: int) -> "Missing": ...  # noqa: F821

    assert '{"user":1}' == Payload(send).encode((1,), {})


def test_a_hint_without_a_form_in_json_is_refused_at_its_first_use():
    class Socket: ...

    with pytest.raises(InvalidTask, match="cannot be stored as JSON"):
        payload_of(Socket).encode((Socket(),), {})
