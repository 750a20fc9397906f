"""Arguments are validated before they are stored, and no refusal shows a secret."""

import traceback
from typing import Any

import pytest
from pydantic import JsonValue

from pgqueue.core.errors import (
    InvalidArguments,
    InvalidTask,
    PayloadTooLarge,
    PgqueueError,
)
from pgqueue.core.values.arguments import Payload, encode_mapping


def anything(x): ...


def payload_of(hint):
    """The payload of a function of one parameter with that hint."""

    def function(x): ...

    function.__annotations__ = {"x": hint}
    return Payload(function, task="shop.f")


def laughs():
    """A list of two of a list of two …: written out it would be 2**60 texts."""
    value = ["ha"]
    for _ in range(60):
        value = [value, value]
    return value


@pytest.mark.parametrize("hint", [Any, list, JsonValue, int, str | None])
def test_a_value_that_would_grow_without_end_is_refused_before_it_does(hint):
    with pytest.raises(PayloadTooLarge):
        payload_of(hint).encode((laughs(),), {})
    with pytest.raises(PayloadTooLarge):
        encode_mapping({"x": laughs()}, task="shop.f")


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [({"x": "many"}, InvalidArguments), ({"x": laughs()}, PayloadTooLarge)],
    ids=["invalid", "too large"],
)
def test_the_traceback_of_a_refusal_does_not_print_the_arguments(arguments, refused):
    # pydantic's error prints its input, and repeats it whole before it cuts it.
    with pytest.raises(refused) as caught:
        payload_of(int).encode_mapping(arguments)

    assert None is caught.value.__context__


def test_only_passed_arguments_are_stored():
    def send(user_id: int, template: str = "welcome"): ...

    payload = Payload(send)

    assert '{"user_id":7}' == payload.encode((7,), {})
    assert {"user_id": 7} == payload.decode('{"user_id": 7}')


def test_the_limit_counts_bytes_not_characters():
    payload = Payload(anything)
    text = payload.encode(("é" * 10,), {}, args_bytes_max=28)

    assert 28 == len(text.encode())
    with pytest.raises(PayloadTooLarge) as caught:
        payload.encode(("é" * 10,), {}, args_bytes_max=27)
    assert (28, 27) == (caught.value.size_bytes, caught.value.args_bytes_max)


@pytest.mark.parametrize(
    "text",
    [
        '{"user_id": "x"}',
        '{"other": 1}',
        "[]",
        '{"user_id": 1e400}',
        '{"user_id": ' + "9" * 5_000 + "}",
        '{"user_id": ' + "[" * 5_000 + "]" * 5_000 + "}",
        "not json",
    ],
)
def test_a_bad_row_of_another_program_is_refused(text):
    def send(user_id: int): ...

    with pytest.raises(InvalidArguments):
        Payload(send).decode(text)


def test_an_error_shows_nothing_of_redacted_arguments():
    def pay(card: dict[str, Any], amount: int): ...

    payload = Payload(pay, redact=["card.number"])
    refused = [
        ({"number": "4111\0"}, 1),
        ({"number": 4111, "at": (1,)}, "x"),
        ("4111", 1),
        ({"number": (4111,)}, 1),
    ]

    for args in refused:
        with pytest.raises(PgqueueError) as caught:
            payload.encode(args, {})
        assert "4111" not in str(caught.value)
        assert "4111" not in repr(caught.value)
        assert "4111" not in "".join(traceback.format_exception(caught.value))


def test_redact_names_parameters():
    with pytest.raises(InvalidTask, match="'crad'"):
        Payload(anything, redact=["crad.number"])
