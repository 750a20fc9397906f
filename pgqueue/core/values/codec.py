"""pydantic's validator and serializer for the arguments of one signature.

Resolves type hints and loads pydantic when a codec is built, not at import: a program that only
defines tasks does not pay for them.
"""

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Final

from pgqueue.core.errors import InvalidTask
from pgqueue.core.values.failure import message_text
from pgqueue.core.values.introspect import name_of
from pgqueue.core.values.signature import Signature

_REASON_BYTES_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Codec:
    """pydantic's compiled functions for one signature.

    Attributes:
        has_plain_hints: Whether every hint reads a plain value back as it was written.
    """

    validate: Callable[[Mapping[str, object]], dict[str, Any]]
    validate_json: Callable[[str], dict[str, Any]]
    to_tree: Callable[[dict[str, Any]], dict[str, object]]
    to_text: Callable[[dict[str, Any]], bytes]
    has_plain_hints: bool


def build_codec(signature: Signature) -> Codec:
    """Return the codec of a signature.

    Raises:
        InvalidTask: A type hint cannot be resolved, or has no form in JSON.
    """
    from pydantic import ConfigDict, TypeAdapter
    from pydantic_core import CoreConfig, SchemaSerializer, to_json
    from typing_extensions import TypedDict

    # Type checkers understand a TypedDict that is written down, not one that is made here.
    make: Any = TypedDict
    hints = _hints(signature)
    shape: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for parameter in signature.parameters.values():
        hint = hints.get(parameter.name, Any)
        if parameter.name == signature.extra_name:
            extra = {"extra_items": hint}
        elif parameter.default is parameter.empty:
            shape[parameter.name] = hint
        else:
            shape[parameter.name] = typing.NotRequired[hint]
    try:
        arguments = make("arguments", shape, **extra)
        arguments.__pydantic_config__ = ConfigDict(
            extra="allow" if extra else "forbid",
            validate_by_name=True,
            validate_by_alias=False,
            val_json_bytes="base64",
        )
        adapter: TypeAdapter[Any] = TypeAdapter(arguments)
        # The configuration of a TypedDict does not reach its serializer.
        serializer = SchemaSerializer(
            adapter.core_schema,
            CoreConfig(ser_json_inf_nan="constants", ser_json_bytes="base64"),
        )
    except Exception as error:
        raise InvalidTask(
            signature.task, f"a type hint cannot be stored as JSON: {first_line(error)}."
        ) from error
    return Codec(
        validate=adapter.validator.validate_python,
        validate_json=adapter.validator.validate_json,
        to_tree=functools.partial(serializer.to_python, mode="json", warnings="none"),
        to_text=to_json,
        has_plain_hints=not extra and all(map(_is_plain, hints.values())),
    )


def preload() -> None:
    """Load pydantic now instead of when the first codec is built."""
    validation_error()


@functools.cache
def validation_error() -> type[Any]:
    """Return the class of pydantic's error."""
    from pydantic import ValidationError

    return ValidationError


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or the name of its class."""
    lines = message_text(error, _REASON_BYTES_MAX).splitlines() or [name_of(type(error))]
    return lines[0].rstrip(".")


def _hints(signature: Signature) -> dict[str, Any]:
    function: Any = inspect.unwrap(signature.function)
    annotated = {
        parameter.name: parameter.annotation
        for parameter in signature.parameters.values()
        if parameter.annotation is not parameter.empty
    }
    type_parameters = getattr(function, "__type_params__", ())
    try:
        return typing.get_type_hints(
            SimpleNamespace(__annotations__=annotated),
            globalns=getattr(function, "__globals__", {}),
            localns={parameter.__name__: parameter for parameter in type_parameters},
            include_extras=True,
        )
    except Exception as error:
        raise InvalidTask(
            signature.task,
            f"a type hint cannot be resolved: {first_line(error)}. Import its name at the "
            "top of the module, outside `if TYPE_CHECKING:`.",
        ) from error


def _is_plain(hint: object) -> bool:
    """Whether this hint reads a plain value back as it was written; see `are_plain`."""
    if typing.get_origin(hint) in (typing.Union, UnionType):
        members = [member for member in typing.get_args(hint) if member is not NoneType]
        return len(members) == 1 and _is_plain(members[0])
    return any(hint is plain for plain in (int, str, bool, float, Any, NoneType))
