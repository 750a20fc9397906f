"""The arguments of a task on their way into a row and back.

A Payload knows one function's signature and type hints. What it encodes was bound, validated,
and proven to read back equal; what it decodes is validated again, because anyone may have
written the row. It reads type hints and loads pydantic at its first use, not at import.
"""

import functools
import inspect
import sys
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Final

from pgqueue.core.errors import InvalidArguments, InvalidTask, PayloadTooLarge, UnstorableValue
from pgqueue.core.values.failure import message_text
from pgqueue.core.values.introspect import field_names, name_of, parts
from pgqueue.core.values.short_repr import short_repr
from pgqueue.core.values.size_estimate import SizeEstimate, refuse_iterators
from pgqueue.core.values.storable import (
    DEPTH_MAX,
    TYPE_ADVICE,
    NotStorable,
    are_plain,
    check_storable,
    examine,
    path_text,
    write_json,
)

ARGS_BYTES_MAX: Final = 65_536
"""Default limit of one job's arguments, in bytes of JSON text."""

_PROBLEMS_MAX: Final = 10
_REASON_BYTES_MAX: Final = 500

# What validation may shrink is let through, up to so many times the limit.
_WEIGHT_FACTOR: Final = 4

_ROOT: Final = "args"
_REDACTED: Final = "[redacted]"
_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class _Codec:
    """pydantic's compiled functions for one signature."""

    validate: Callable[[Mapping[str, object]], dict[str, Any]]
    validate_json: Callable[[str], dict[str, Any]]
    to_tree: Callable[[dict[str, Any]], dict[str, object]]
    to_text: Callable[[dict[str, Any]], bytes]


class Payload:
    """Encodes and decodes the arguments of one function.

    Args:
        task: What the function is called in errors; None for its own name.
        redact: Paths of arguments whose values no error may show.

    Raises:
        InvalidTask: The signature has parameters that have no name to be stored by.
    """

    __slots__ = (
        "_codec",
        "_has_plain_hints",
        "_is_simple",
        "_names",
        "_places",
        "_positional_only",
        "_redact",
        "_required",
        "_signature",
        "_signature_text",
        "_surplus",
        "function",
        "task",
    )

    def __init__(
        self,
        function: Callable[..., object],
        *,
        task: str | None = None,
        redact: Iterable[str] = (),
    ) -> None:
        self.function = function
        self.task: str = task or str(getattr(function, "__qualname__", function))
        self._redact = tuple(tuple(path.split(".")) for path in redact)
        self._signature = _signature(function)
        self._signature_text: str | None = None
        self._codec: _Codec | None = None
        self._has_plain_hints = False
        self._surplus: str | None = None
        positional_only = []
        for parameter in self._signature.parameters.values():
            if parameter.kind is parameter.VAR_POSITIONAL:
                raise InvalidTask(
                    self.task,
                    f"*{parameter.name} gives its values no names to be stored by. Take a list.",
                )
            if parameter.kind is parameter.VAR_KEYWORD:
                self._surplus = parameter.name
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional_only.append(parameter.name)
        self._positional_only = tuple(positional_only)
        self._names = frozenset(self._signature.parameters)
        named = self._signature.parameters.values()
        self._places = tuple(each.name for each in named if each.kind is not each.KEYWORD_ONLY)
        self._required = frozenset(each.name for each in named if each.default is each.empty)
        self._is_simple = self._surplus is None and not positional_only
        self._check_redact()

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the function's parameters, in order."""
        return tuple(self._signature.parameters)

    @property
    def signature(self) -> str:
        """How to call the task, as one line of text."""
        if self._signature_text is None:
            self._signature_text = _signature_text(self.task, self._signature)
        return self._signature_text

    def encode(
        self,
        args: Sequence[object],
        kwargs: Mapping[str, object],
        *,
        args_bytes_max: int = ARGS_BYTES_MAX,
    ) -> str:
        """Return the JSON text of a call's arguments by parameter name.

        Defaults are not stored: a job that waits gets those of the code that runs it.

        Raises:
            InvalidArguments: They do not fit the signature or the type hints.
            UnstorableValue: A value would not read back equal.
            PayloadTooLarge: The text exceeds `args_bytes_max`.
        """
        given = self._bound(args, kwargs)
        return self.encode_mapping(given, args_bytes_max=args_bytes_max)

    def encode_mapping(
        self, given: Mapping[str, object], *, args_bytes_max: int = ARGS_BYTES_MAX
    ) -> str:
        """Do as `encode` for arguments that are given by name already.

        Raises:
            InvalidArguments: They do not fit the signature or the type hints.
            UnstorableValue: A value would not read back equal.
            PayloadTooLarge: The text exceeds `args_bytes_max`.
        """
        codec = self._codec or self._build()
        # Validation by plain hints makes nothing large, so a look at what comes of it will do.
        weighed = None if self._has_plain_hints else _weigh(self.task, given, args_bytes_max)
        refusal = None
        try:
            valid = codec.validate(given)
        except _validation_error() as error:
            refusal = error
        if refusal is not None:
            # Not while it is handled: whoever prints our error would print all that was given.
            if weighed is None:
                _weigh(self.task, given, args_bytes_max)
            raise self._invalid(self._problems(refusal))
        if weighed is None:
            if are_plain(valid.values(), args_bytes_max):
                plain = codec.to_text(valid)
                if len(plain) > args_bytes_max:
                    raise PayloadTooLarge(self.task, len(plain), args_bytes_max)
                return plain.decode()
            weighed = _weigh(self.task, given, args_bytes_max)
        try:
            if weighed.met_iterator:
                refuse_iterators(valid)
            tree = self._tree(codec, valid)
            examine(tree, exact=True)
            text = write_json(tree)
            self._check_back(codec, valid, text)
        except NotStorable as unfit:
            raise self._refused(unfit) from None
        _check_size(self.task, text, args_bytes_max)
        return text

    def decode(self, text: str) -> dict[str, Any]:
        """Return the validated values of stored arguments by parameter name.

        Raises:
            InvalidArguments: They do not fit the signature or the type hints (any more).
        """
        codec = self._codec or self._build()
        try:
            return codec.validate_json(text)
        except _validation_error() as error:
            raise self._invalid(self._problems(error)) from None

    def bind_call(self, decoded: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the positional and the named arguments that call the function."""
        if not self._positional_only:
            return (), decoded
        named = dict(decoded)
        positional: list[Any] = []
        given = [name for name in self._positional_only if name in named]
        if given:
            # Python takes these by place alone, so a gap before the last one given is filled
            # with its default.
            last = self._positional_only.index(given[-1])
            for name in self._positional_only[: last + 1]:
                positional.append(named.pop(name, self._signature.parameters[name].default))
        return tuple(positional), named

    def _bound(self, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, Any]:
        """Return a call's arguments by parameter name."""
        if self._is_simple and len(args) <= len(self._places):
            # `bind` takes longer than to validate and to encode; it is left to say what is wrong.
            given: dict[str, Any] = dict(zip(self._places, args, strict=False))
            if not kwargs or (given.keys().isdisjoint(kwargs) and self._names.issuperset(kwargs)):
                given |= kwargs
                if self._required.issubset(given):
                    return given
        try:
            given = self._signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise self._invalid([str(error)]) from None
        if self._surplus in given:
            surplus = given.pop(self._surplus)
            if not given.keys().isdisjoint(surplus):
                both = ", ".join(sorted(given.keys() & surplus.keys()))
                raise self._invalid([f"{both} is given both by position and by name"])
            given |= surplus
        return given

    def _tree(self, codec: _Codec, valid: dict[str, Any]) -> dict[str, object]:
        try:
            return codec.to_tree(valid)
        except Exception as error:
            # Says that a value could not be dumped, but not which; what the class of a value
            # raised while it was looked at says no more.
            raise _undumpable(valid, error) from None

    def _check_back(self, codec: _Codec, valid: dict[str, Any], text: str) -> None:
        try:
            back = codec.validate_json(text)
        except _validation_error() as error:
            first = error.errors(include_url=False, include_context=False)[0]
            told = first["type"] if self._is_secret(first["loc"]) else first["msg"]
            unfit = NotStorable(first["input"], f"it cannot be read back ({told}). {TYPE_ADVICE}")
            unfit.steps = list(reversed(first["loc"]))
            raise unfit from None
        _compare(valid, back)

    def _build(self) -> _Codec:
        from pydantic import ConfigDict, TypeAdapter
        from pydantic_core import CoreConfig, SchemaSerializer, to_json
        from typing_extensions import TypedDict

        # Type checkers know the form of a TypedDict that is written down, not of one made here.
        make: Any = TypedDict
        hints = self._hints()
        shape: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for parameter in self._signature.parameters.values():
            hint = hints.get(parameter.name, Any)
            if parameter.name == self._surplus:
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
            dump = SchemaSerializer(
                adapter.core_schema,
                CoreConfig(ser_json_inf_nan="constants", ser_json_bytes="base64"),
            )
        except Exception as error:
            raise InvalidTask(
                self.task, f"a type hint cannot be stored as JSON: {_first_line(error)}."
            ) from error
        self._has_plain_hints = not extra and all(map(_is_plain, hints.values()))
        self._codec = _Codec(
            validate=adapter.validator.validate_python,
            validate_json=adapter.validator.validate_json,
            to_tree=functools.partial(dump.to_python, mode="json", warnings="none"),
            to_text=to_json,
        )
        return self._codec

    def _hints(self) -> dict[str, Any]:
        function: Any = inspect.unwrap(self.function)
        annotated = {
            parameter.name: parameter.annotation
            for parameter in self._signature.parameters.values()
            if parameter.annotation is not parameter.empty
        }
        try:
            return typing.get_type_hints(
                SimpleNamespace(__annotations__=annotated),
                globalns=getattr(function, "__globals__", {}),
                localns={each.__name__: each for each in getattr(function, "__type_params__", ())},
                include_extras=True,
            )
        except Exception as error:
            raise InvalidTask(
                self.task,
                f"a type hint cannot be resolved: {_first_line(error)}. Import its name at the "
                "top of the module, outside `if TYPE_CHECKING:`.",
            ) from error

    def _problems(self, error: Any) -> list[str]:
        details = error.errors(include_url=False, include_context=False)
        problems = [self._problem(detail) for detail in details[:_PROBLEMS_MAX]]
        if len(details) > _PROBLEMS_MAX:
            problems.append(f"and {len(details) - _PROBLEMS_MAX} more")
        return problems

    def _problem(self, detail: Mapping[str, Any]) -> str:
        steps = detail["loc"]
        path = path_text(_ROOT, steps)
        if detail["type"] == "missing" and len(steps) == 1:
            return f"{path} is missing"
        if detail["type"] == "extra_forbidden" and len(steps) == 1:
            return f"{path} is given, but there is no such parameter"
        if self._is_secret(steps):
            return f"{path} was refused ({detail['type']})"
        message = detail["msg"]
        return f"{path}: {message[:1].lower()}{message[1:]}, not {short_repr(detail['input'])}"

    def _invalid(self, problems: Sequence[str]) -> InvalidArguments:
        return InvalidArguments(self.task, problems, self.signature)

    def _refused(self, unfit: NotStorable) -> UnstorableValue:
        if self._is_secret(tuple(reversed(unfit.steps))):
            unfit.value = _REDACTED
        return unfit.refusal(_ROOT)

    def _is_secret(self, steps: Sequence[object]) -> bool:
        # A value is secret below a redacted path, and above it too, because it holds it.
        return any(
            all(secret == step for secret, step in zip(path, steps, strict=False))
            for path in self._redact
        )

    def _check_redact(self) -> None:
        if self._surplus is not None:
            return
        for path in self._redact:
            if path[0] not in self._signature.parameters:
                raise InvalidTask(
                    self.task, f"redact names {path[0]!r}, which is none of its parameters."
                )


def preload() -> None:
    """Load pydantic now instead of at a payload's first use."""
    _validation_error()


def encode_mapping(
    given: Mapping[str, object], *, task: str, args_bytes_max: int = ARGS_BYTES_MAX
) -> str:
    """Return the JSON text of arguments whose task is not known here, by parameter name.

    Only what JSON holds is taken, as no type hint says how else to read it back.

    Raises:
        UnstorableValue: A value would not read back equal.
        PayloadTooLarge: The text exceeds `args_bytes_max`.
    """
    tree = dict(given)
    _weigh(task, tree, args_bytes_max)
    check_storable(tree, _ROOT)
    text = write_json(tree)
    _check_size(task, text, args_bytes_max)
    return text


def _is_plain(hint: object) -> bool:
    """Whether what is plain is read back by this hint as it was written; see `are_plain`."""
    if typing.get_origin(hint) in (typing.Union, UnionType):
        hints = [each for each in typing.get_args(hint) if each is not NoneType]
        return len(hints) == 1 and _is_plain(hints[0])
    return any(hint is each for each in (int, str, bool, float, Any, NoneType))


def _jsonable(value: object) -> object:
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, inf_nan_mode="constants", bytes_mode="base64")


def _undumpable(value: object, error: Exception, depth: int = 1) -> NotStorable:
    """Find the innermost value that cannot be dumped, by trying the items one by one."""
    if depth > DEPTH_MAX:
        return NotStorable(
            value, f"it is nested deeper than {DEPTH_MAX} levels, or contains itself."
        )
    for step, item in parts(value):
        try:
            _jsonable(item)
        except Exception as inner:
            unfit = _undumpable(item, inner, depth + 1)
            unfit.steps.append(step)
            return unfit
    if type(value).__module__ == "builtins":
        return NotStorable(value, f"{_first_line(error)}. {TYPE_ADVICE}")
    return NotStorable(value, f"JSON has no form for a {name_of(type(value))}. {TYPE_ADVICE}")


def _compare(sent: object, back: object) -> None:
    """Raise Unfit at the first place where a value did not come back as it was sent."""
    if type(sent) is not type(back):
        raise NotStorable(
            sent,
            f"its type {type(sent).__name__} would come back as {type(back).__name__}. "
            f"{TYPE_ADVICE}",
        )
    pairs = _parts(sent, back)
    if pairs is None:
        if sent != back and not _is_same_moment(sent, back):
            raise NotStorable(
                sent, "it would come back changed. Give its type a form that reads back."
            )
        return
    for step, left, right in pairs:
        try:
            _compare(left, right)
        except NotStorable as unfit:
            unfit.steps.append(step)
            raise


def _parts(sent: Any, back: Any) -> list[tuple[object, object, object]] | None:
    """Return what two values of one type consist of, side by side; None for a plain value."""
    if isinstance(sent, Mapping):
        if sent.keys() != back.keys() or list(map(type, sent)) != list(map(type, back)):
            raise NotStorable(sent, f"its keys would come back changed. {TYPE_ADVICE}")
        return [(key, sent[key], back[key]) for key in sent]
    if isinstance(sent, (list, tuple)):
        if len(sent) != len(back):
            raise NotStorable(sent, f"{len(sent)} items would come back as {len(back)}.")
        return [(step, *pair) for step, pair in enumerate(zip(sent, back, strict=True))]
    names = field_names(sent)
    if names is None:
        return None
    return [(name, getattr(sent, name, _MISSING), getattr(back, name, _MISSING)) for name in names]


def _is_same_moment(sent: object, back: object) -> bool:
    # Python calls moments of two zones unequal in the hour that a clock repeats in autumn.
    return (
        isinstance(sent, datetime)
        and isinstance(back, datetime)
        and sent.utcoffset() is not None
        and back.utcoffset() is not None
        and sent.astimezone(UTC) == back.astimezone(UTC)
    )


def _weigh(task: str, given: Mapping[str, object], args_bytes_max: int) -> SizeEstimate:
    """Refuse what is by far too large before anything is made of it."""
    scale = SizeEstimate(args_bytes_max * _WEIGHT_FACTOR)
    scale.put(dict(given))
    if scale.is_full:
        raise PayloadTooLarge(task, scale.bytes, args_bytes_max)
    return scale


def _check_size(task: str, text: str, args_bytes_max: int) -> None:
    size_bytes = len(text) if text.isascii() else len(text.encode())
    if size_bytes > args_bytes_max:
        raise PayloadTooLarge(task, size_bytes, args_bytes_max)


@functools.cache
def _validation_error() -> type[Any]:
    from pydantic import ValidationError

    return ValidationError


def _signature(function: Callable[..., object]) -> inspect.Signature:
    if sys.version_info >= (3, 14):
        # Since 3.14 hints are evaluated when they are asked for, and a name may be defined
        # further down in the module that is being imported.
        from annotationlib import Format

        return inspect.signature(function, annotation_format=Format.FORWARDREF)
    return inspect.signature(function)


class _Bare(str):
    """A type hint that is text already, and is to be shown without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _signature_text(task: str, signature: inspect.Signature) -> str:
    parameters = [
        parameter.replace(annotation=_shown(parameter.annotation))
        for parameter in signature.parameters.values()
    ]
    shown = signature.replace(
        parameters=parameters, return_annotation=_shown(signature.return_annotation)
    )
    return " ".join(f"{task}{shown}".split())


def _shown(annotation: object) -> object:
    if isinstance(annotation, str):
        return _Bare(annotation)
    if isinstance(annotation, typing.ForwardRef):
        return _Bare(annotation.__forward_arg__)
    return annotation


def _first_line(error: BaseException) -> str:
    lines = message_text(error, _REASON_BYTES_MAX).splitlines() or [name_of(type(error))]
    return lines[0].rstrip(".")
