"""The type hints of a signature, resolved.

A parameter with a default may have a hint that cannot be resolved, or a type that has no form in
JSON: jobs run with the default, and only a value for it is refused.
"""

import inspect
import typing
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

from pgqueue.core.errors import InvalidTask
from pgqueue.core.values.failure import message_text
from pgqueue.core.values.introspect import name_of
from pgqueue.core.values.signature import Signature

_REASON_BYTES_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """In the place of a hint: refuses every value, but None where None is the default."""

    takes_none: bool
    reason: str

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self._check)

    def _check(self, value: object) -> object:
        if value is None and self.takes_none:
            return None
        from pydantic_core import PydanticCustomError

        raise PydanticCustomError(
            "unstorable",
            "no value of this parameter can be stored ({reason}). Leave it out",
            {"reason": self.reason},
        )


def resolve_hints(signature: Signature) -> dict[str, Any]:
    """Return the hint of each annotated parameter.

    Raises:
        InvalidTask: A hint cannot be resolved, and its parameter has no default.
    """
    annotations = {
        parameter.name: parameter.annotation
        for parameter in signature.parameters.values()
        if parameter.annotation is not parameter.empty
    }
    try:
        return _resolve(signature, annotations)
    except Exception:
        return {
            name: _resolve_alone(signature, signature.parameters[name], annotation)
            for name, annotation in annotations.items()
        }


def storable_hints(signature: Signature, hints: dict[str, Any]) -> dict[str, Any]:
    """Return the hints, with a refusal for each that has no form in JSON beside a default."""
    storable = dict(hints)
    for name, hint in hints.items():
        parameter = signature.parameters[name]
        if not is_refused(hint) and _may_be_left_out(parameter):
            reason = _why_not_storable(hint)
            if reason is not None:
                storable[name] = _refusal(parameter, reason)
    return storable


def is_refused(hint: object) -> bool:
    """Return whether a hint was replaced by a refusal."""
    return any(isinstance(item, Refusal) for item in getattr(hint, "__metadata__", ()))


def unpacked(hint: object) -> dict[str, Any] | None:
    """Return the hints by name in `Unpack[TypedDict]`; None for any other hint."""
    # Before Python 3.13 typing_extensions has forms of its own.
    import typing_extensions

    unpack: tuple[Any, ...] = (typing.Unpack, typing_extensions.Unpack)
    if typing.get_origin(hint) not in unpack:
        return None
    [shape] = typing.get_args(hint)
    items = typing_extensions.get_type_hints(shape, include_extras=True)
    optional: tuple[Any, ...] = (typing.NotRequired, typing_extensions.NotRequired)
    return {
        name: item
        if name in shape.__required_keys__ or typing.get_origin(item) in optional
        else typing.NotRequired[item]
        for name, item in items.items()
    }


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or the name of its class."""
    lines = message_text(error, _REASON_BYTES_MAX).splitlines() or [name_of(type(error))]
    return lines[0].rstrip(".")


def _resolve(signature: Signature, annotations: dict[str, Any]) -> dict[str, Any]:
    function: Any = inspect.unwrap(signature.function)
    type_parameters = getattr(function, "__type_params__", ())
    return typing.get_type_hints(
        SimpleNamespace(__annotations__=annotations),
        globalns=getattr(function, "__globals__", {}),
        localns={parameter.__name__: parameter for parameter in type_parameters},
        include_extras=True,
    )


def _resolve_alone(signature: Signature, parameter: inspect.Parameter, annotation: object) -> Any:
    try:
        return _resolve(signature, {parameter.name: annotation})[parameter.name]
    except Exception as error:
        reason = f"a type hint cannot be resolved: {first_line(error)}"
        if _may_be_left_out(parameter):
            return _refusal(parameter, reason)
        raise InvalidTask(
            signature.task,
            f"{reason}. Import its name at the top of the module, outside `if TYPE_CHECKING:`.",
        ) from error


def _refusal(parameter: inspect.Parameter, reason: str) -> Any:
    return typing.Annotated[Any, Refusal(parameter.default is None, reason)]


def _may_be_left_out(parameter: inspect.Parameter) -> bool:
    is_extra = parameter.kind is parameter.VAR_KEYWORD
    return is_extra or parameter.default is not parameter.empty


def _why_not_storable(hint: Any) -> str | None:
    from pydantic import TypeAdapter

    if unpacked(hint) is not None:
        return None
    try:
        TypeAdapter(hint)
    except Exception as error:
        return first_line(error)
    return None
