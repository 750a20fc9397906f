"""pydantic's validator and serializer for the arguments of one signature.

Resolves type hints and loads pydantic when a codec is built, not at import: a program that only
defines tasks does not pay for them.
"""

import functools
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any

from pgqueue.core.errors import InvalidTask
from pgqueue.core.values.hints import (
    first_line,
    is_refused,
    resolve_hints,
    storable_hints,
    unpacked,
)
from pgqueue.core.values.signature import Signature


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
        InvalidTask: The hint of a parameter without a default cannot be resolved, or has no form in
            JSON.
    """
    from pydantic_core import CoreConfig, SchemaSerializer, SchemaValidator, to_json

    hints = resolve_hints(signature)
    try:
        try:
            schema = _schema(signature, hints)
        except Exception:
            hints = storable_hints(signature, hints)
            schema = _schema(signature, hints)
        validator = SchemaValidator(schema)
        # The configuration of a TypedDict does not reach its serializer.
        serializer = SchemaSerializer(
            schema, CoreConfig(ser_json_inf_nan="constants", ser_json_bytes="base64")
        )
    except Exception as error:
        raise InvalidTask(
            signature.task, f"a type hint cannot be stored as JSON: {first_line(error)}."
        ) from error
    validate, validate_json = validator.validate_python, validator.validate_json
    has_plain_hints = signature.extra_name is None and all(map(_is_plain, hints.values()))
    if not has_plain_hints:
        validate = functools.partial(validate, by_name=True, by_alias=True)
        validate_json = functools.partial(validate_json, by_name=True, by_alias=True)
    return Codec(
        validate=validate,
        validate_json=validate_json,
        to_tree=functools.partial(
            serializer.to_python,
            mode="json",
            by_alias=False,
            exclude_computed_fields=True,
            warnings="none",
        ),
        to_text=to_json,
        has_plain_hints=has_plain_hints,
    )


def preload() -> None:
    """Load pydantic now instead of when the first codec is built."""
    validation_error()


@functools.cache
def validation_error() -> type[Any]:
    """Return the class of pydantic's error."""
    from pydantic import ValidationError

    return ValidationError


def _schema(signature: Signature, hints: Mapping[str, Any]) -> Any:
    from pydantic import ConfigDict, TypeAdapter
    from typing_extensions import TypedDict

    # Type checkers understand a TypedDict that is written down, not one that is made here.
    make: Any = TypedDict
    shape: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for parameter in signature.parameters.values():
        hint = hints.get(parameter.name, Any)
        if parameter.name == signature.extra_name:
            items = unpacked(hint)
            if items is None:
                extra = {"extra_items": hint}
            else:
                shape |= items
        elif parameter.default is parameter.empty:
            shape[parameter.name] = hint
        else:
            shape[parameter.name] = typing.NotRequired[hint]
    arguments = make("arguments", shape, **extra)
    arguments.__pydantic_config__ = ConfigDict(
        extra="allow" if extra else "forbid", val_json_bytes="base64"
    )
    return _stored_by_name(TypeAdapter(arguments).core_schema)


def _stored_by_name(schema: Any) -> Any:
    """A schema of the arguments that dumps only what it loads, by the names of Python.

    A parameter has no alias: it could be the name of another parameter. A field with `init=False`
    is left out, as nothing may pass it.
    """
    schema = _without_unpassable(schema)
    fields = schema.get("schema", schema)["fields"]
    for name, item in fields.items():
        aliases = ("validation_alias", "serialization_alias")
        fields[name] = {key: value for key, value in item.items() if key not in aliases}
    return schema


def _without_unpassable(schema: Any) -> Any:
    if isinstance(schema, dict):
        copy = {key: _without_unpassable(value) for key, value in schema.items()}
        if copy.get("type") == "dataclass-field" and copy.get("init") is False:
            copy["serialization_exclude"] = True
        return copy
    if isinstance(schema, list):
        return [_without_unpassable(value) for value in schema]
    return schema


def _is_plain(hint: object) -> bool:
    """Whether this hint reads a plain value back as it was written; see `are_plain`."""
    if typing.get_origin(hint) in (typing.Union, UnionType):
        members = [member for member in typing.get_args(hint) if member is not NoneType]
        return len(members) == 1 and _is_plain(members[0])
    # A refused parameter has no value but None.
    if is_refused(hint):
        return True
    return any(hint is plain for plain in (int, str, bool, float, Any, NoneType))
