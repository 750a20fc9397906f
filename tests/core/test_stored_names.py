"""Arguments are stored by the names that load takes: of fields, not of aliases."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NotRequired, TypedDict, Unpack

import pytest
import typing_extensions
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, computed_field
from pydantic.dataclasses import dataclass as pydantic_dataclass

from pgqueue.core.errors import InvalidArguments, UnstorableValue
from pgqueue.core.values.arguments import Payload


class Aliased(BaseModel):
    """A model that takes its field by an alias alone."""

    n: int = Field(alias="number")


class TwoAliases(BaseModel):
    """A model that is dumped by another alias than it loads."""

    n: int = Field(validation_alias=AliasChoices("x", "y"), serialization_alias="z")


class Shouting(BaseModel):
    """A strict model that dumps by alias, and a field that it does not load."""

    model_config = ConfigDict(
        extra="forbid", serialize_by_alias=True, alias_generator=lambda name: name.upper()
    )
    n: int

    @computed_field
    def double(self) -> int:
        """Twice the number."""
        return 2 * self.n


class Cat(BaseModel):
    """One of two models that an alias tells apart."""

    kind: Literal["cat"] = Field("cat", alias="type")


class Dog(BaseModel):
    """The other one."""

    kind: Literal["dog"] = Field("dog", alias="type")


class Swapped(BaseModel):
    """A model whose aliases are the names of its other fields."""

    a: int = Field(alias="b")
    b: int = Field(alias="a")


@dataclass
class Line:
    """A dataclass with fields that nobody passes."""

    n: int
    total: int = field(init=False)
    seen: list[int] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.total = 2 * self.n


@pydantic_dataclass
class Checked:
    """pydantic's kind of dataclass."""

    n: int = Field(alias="number")
    total: int = field(init=False, default=3)

    def __post_init__(self) -> None:
        self.total = 2 * self.n


@dataclass
class Tree:
    """A dataclass of itself."""

    children: "list[Tree]" = field(default_factory=list)
    size: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.size = len(self.children)


class Order(BaseModel):
    """A model of all of them."""

    lines: list[Line]
    checked: dict[str, Checked]
    aliased: Aliased = Field(alias="with_alias")


class Mail(TypedDict):
    """Arguments by name."""

    to: str
    cc: NotRequired[str]


class Envelope(typing_extensions.TypedDict):
    """A dict that is written by an alias."""

    to: Annotated[str, Field(alias="recipient")]


class LateMail(typing_extensions.TypedDict, total=False):
    """The form of typing_extensions."""

    to: typing_extensions.Required[str]
    line: Line


def payload_of(hint: Any) -> Payload:
    """The payload of a function of one parameter with that hint."""

    def function(x: Any) -> None: ...

    function.__annotations__ = {"x": hint}
    return Payload(function, task="shop.f")


def send(template: str = "welcome", **options: Unpack[Mail]) -> None: ...
def send_late(**options: typing_extensions.Unpack[LateMail]) -> None: ...
def send_written(**options: "Unpack[Mail]") -> None: ...
def swapped(a: Annotated[int, Field(alias="b")], b: int) -> None: ...


ORDER = Order(lines=[Line(1)], checked={"a": Checked(number=1)}, with_alias=Aliased(number=3))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("hint", "value", "stored"),
    [
        (Aliased, Aliased(number=7), '{"x":{"n":7}}'),
        (list[TwoAliases], [TwoAliases(x=7)], '{"x":[{"n":7}]}'),
        (Shouting, Shouting(N=7), '{"x":{"n":7}}'),
        (Annotated[Cat | Dog, Field(discriminator="kind")], Dog(), '{"x":{"kind":"dog"}}'),
        (Line, Line(7), '{"x":{"n":7}}'),
        (Line | Aliased | None, Line(7), '{"x":{"n":7}}'),
        (Tree, Tree([Tree()]), '{"x":{"children":[{"children":[]}]}}'),
        (Order, ORDER, None),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_a_value_is_dumped_by_the_names_that_load_takes(hint, value, stored):
    payload = payload_of(hint)

    text = payload.encode((value,), {})

    assert {"x": value} == payload.decode(text)
    assert stored in (text, None)


@pytest.mark.parametrize("written", ['{"x":{"number":7}}', '{"x":{"n":7}}'])
def test_a_row_of_another_program_may_have_aliases(written):
    assert {"x": Aliased(number=7)} == payload_of(Aliased).decode(written)


def test_a_dict_by_alias_is_an_argument():
    assert '{"x":{"to":"a@b"}}' == payload_of(Envelope).encode(({"recipient": "a@b"},), {})


@pytest.mark.parametrize(
    ("function", "call", "stored"),
    [
        (send, {"to": "a@b"}, '{"to":"a@b"}'),
        (send, {"to": "a@b", "cc": "c@d", "template": "t"}, None),
        (send_written, {"to": "a@b"}, '{"to":"a@b"}'),
        (send_late, {"to": "a@b", "line": Line(7)}, '{"to":"a@b","line":{"n":7}}'),
        (swapped, {"a": 1, "b": 2}, '{"a":1,"b":2}'),
    ],
)
def test_the_keys_of_an_unpacked_typed_dict_are_parameters(function, call, stored):
    payload = Payload(function)

    text = payload.encode((), call)

    assert call == payload.decode(text)
    assert stored in (text, None)


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ({}, "args.to is missing"),
        ({"to": 7}, "args.to: input should be a valid string"),
        ({"to": "a@b", "bcc": "x"}, "args.bcc is given, but there is no such parameter"),
    ],
)
def test_an_unpacked_typed_dict_refuses_what_it_does_not_declare(call, problem):
    with pytest.raises(InvalidArguments, match=problem):
        Payload(send).encode((), call)


def test_a_field_that_load_would_compute_anew_is_refused_if_it_was_changed():
    line = Line(7)
    line.total = 99

    with pytest.raises(UnstorableValue, match=r"args\.x\.total = 99"):
        payload_of(Line).encode((line,), {})


def test_aliases_that_name_other_fields_are_never_mixed_up():
    with pytest.raises(UnstorableValue, match=r"args\.x\.a = 2 .* come back changed"):
        payload_of(Swapped).encode((Swapped(a=1, b=2),), {})
