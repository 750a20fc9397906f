"""Of a parameter with a default whose type has no form in JSON, only the values are refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from pgqueue.core.errors import InvalidArguments, InvalidTask
from pgqueue.core.values.arguments import Payload

if TYPE_CHECKING:
    from decimal import Decimal as Missing


class Client:
    """A type without a form in JSON."""


@dataclass
class Report:
    """A dataclass with such a field."""

    client: Client


FALLBACK = Client()


def optional(n: int, client: Client | None = None) -> None: ...
def by_default(n: int, client: Client = FALLBACK) -> None: ...
def nested(n: int, clients: dict[str, list[Client]] | None = None) -> None: ...
def annotated(n: int, client: Annotated[Client | None, "injected"] = None) -> None: ...
def report(n: int, client: Report | None = None) -> None: ...
def keyword(n: int, *, client: Client | None = None) -> None: ...
def hook(n: int, client: Callable[[Client], Any] | None = None) -> None: ...
def typed(n: int, client: "Missing | None" = None) -> None: ...
def others(n: int, **clients: Client) -> None: ...
def broken(n: int, client: "1 +" = None) -> None: ...  # noqa: F722


FUNCTIONS = [optional, by_default, annotated, report, keyword, typed, broken]


@pytest.mark.parametrize("function", [*FUNCTIONS, nested, hook, others])
def test_the_task_is_used_without_the_value(function: Any) -> None:
    payload = Payload(function)

    assert '{"n":7}' == payload.encode((7,), {})
    assert {"n": 7} == payload.decode('{"n":7}')


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_value_for_it_is_refused_with_advice(function: Any) -> None:
    payload = Payload(function)

    with pytest.raises(InvalidArguments, match=r"args\.client: .* Leave it out") as caught:
        payload.encode((7,), {"client": Client()})
    with pytest.raises(InvalidArguments, match=r"args\.client"):
        payload.decode('{"n":7,"client":{}}')
    with pytest.raises(InvalidArguments, match=r"args\.n"):
        payload.encode(("seven",), {})

    assert 1 == len(caught.value.problems)


def test_a_value_for_a_double_star_parameter_is_refused() -> None:
    with pytest.raises(InvalidArguments, match=r"args\.acme: .* Leave it out"):
        Payload(others).encode((7,), {"acme": Client()})


@pytest.mark.parametrize("function", [optional, annotated, keyword, typed])
def test_none_may_be_given_where_it_is_the_default(function: Any) -> None:
    payload = Payload(function)

    assert {"n": 7, "client": None} == payload.decode(payload.encode((7,), {"client": None}))


def test_a_parameter_without_a_default_still_excludes_the_task() -> None:
    def needs(client: Client, other: Client | None = None) -> None: ...

    with pytest.raises(InvalidTask, match="cannot be stored as JSON"):
        Payload(needs).encode((Client(),), {})
