"""The arguments of a task on their way into a row and back.

A Payload validates what it encodes, and proves that it reads back equal. It validates again what
it decodes, because anyone may have written the row.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from pgqueue.core.errors import InvalidArguments, InvalidTask, PayloadTooLarge, UnstorableValue
from pgqueue.core.values.codec import Codec, build_codec, validation_error
from pgqueue.core.values.redaction import HIDDEN
from pgqueue.core.values.round_trip import check_equal, find_undumpable
from pgqueue.core.values.short_repr import short_repr
from pgqueue.core.values.signature import Signature
from pgqueue.core.values.size_estimate import SizeEstimate, refuse_iterators
from pgqueue.core.values.storable import (
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

# Validation may make a value smaller. A value of up to four times the limit is let through to it.
_ESTIMATE_FACTOR: Final = 4

_ROOT: Final = "args"


class Payload:
    """Encodes and decodes the arguments of one function.

    Args:
        task: The function's name in errors; None for its own.
        redact: Paths of arguments whose values no error may show.

    Raises:
        InvalidTask: The signature has parameters that have no name to be stored by.
    """

    __slots__ = ("_codec", "_redact", "_signature", "function", "task")

    def __init__(
        self,
        function: Callable[..., object],
        *,
        task: str | None = None,
        redact: Iterable[str] = (),
    ) -> None:
        self.function = function
        self.task: str = task or str(getattr(function, "__qualname__", function))
        self._signature = Signature(function, self.task)
        self._redact = tuple(tuple(path.split(".")) for path in redact)
        self._codec: Codec | None = None
        self._check_redact()

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the function's parameters, in order."""
        return self._signature.names

    @property
    def signature(self) -> str:
        """How to call the task, as one line of text."""
        return self._signature.text

    def encode(
        self,
        args: Sequence[object],
        kwargs: Mapping[str, object],
        *,
        args_bytes_max: int = ARGS_BYTES_MAX,
    ) -> str:
        """Return the JSON text of a call's arguments by parameter name.

        Defaults are not stored: a job that waits gets the defaults of the code that runs it.

        Raises:
            InvalidArguments: They do not fit the signature or the type hints.
            UnstorableValue: A value would not read back equal.
            PayloadTooLarge: The text exceeds `args_bytes_max`.
        """
        arguments = self._signature.bind(args, kwargs)
        return self.encode_mapping(arguments, args_bytes_max=args_bytes_max)

    def encode_mapping(
        self, arguments: Mapping[str, object], *, args_bytes_max: int = ARGS_BYTES_MAX
    ) -> str:
        """Return the JSON text of arguments that have their names already.

        Raises:
            InvalidArguments: They do not fit the signature or the type hints.
            UnstorableValue: A value would not read back equal.
            PayloadTooLarge: The text exceeds `args_bytes_max`.
        """
        codec = self._codec or self._build()
        # Validation by plain hints makes nothing large, so its result is measured instead.
        estimate = (
            None if codec.has_plain_hints else _estimate(self.task, arguments, args_bytes_max)
        )
        refusal = None
        try:
            valid = codec.validate(arguments)
        except validation_error() as error:
            refusal = error
        if refusal is not None:
            # Outside the `except`: the context of our error would hold every argument, and a
            # traceback of it would print them.
            if estimate is None:
                _estimate(self.task, arguments, args_bytes_max)
            raise self._invalid(self._problems(refusal))
        if estimate is None:
            if are_plain(valid.values(), args_bytes_max):
                plain = codec.to_text(valid)
                if len(plain) > args_bytes_max:
                    raise PayloadTooLarge(self.task, len(plain), args_bytes_max)
                return plain.decode()
            estimate = _estimate(self.task, arguments, args_bytes_max)
        try:
            if estimate.met_iterator:
                refuse_iterators(valid)
            tree = self._tree(codec, valid)
            examine(tree, exact=True)
            text = write_json(tree)
            self._check_reads_back(codec, valid, text)
        except NotStorable as problem:
            raise self._refusal(problem) from None
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
        except validation_error() as error:
            raise self._invalid(self._problems(error)) from None

    def bind_call(self, decoded: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the positional and the named arguments that call the function."""
        return self._signature.call_arguments(decoded)

    def _build(self) -> Codec:
        self._codec = build_codec(self._signature)
        return self._codec

    def _tree(self, codec: Codec, valid: dict[str, Any]) -> dict[str, object]:
        try:
            return codec.to_tree(valid)
        except Exception as error:
            # pydantic's error does not name the value. The context is dropped: the class of a
            # value may have raised anything.
            raise find_undumpable(valid, error) from None

    def _check_reads_back(self, codec: Codec, valid: dict[str, Any], text: str) -> None:
        try:
            back = codec.validate_json(text)
        except validation_error() as error:
            first = error.errors(include_url=False, include_context=False)[0]
            reason = first["type"] if self._is_secret(first["loc"]) else first["msg"]
            problem = NotStorable(
                first["input"], f"it cannot be read back ({reason}). {TYPE_ADVICE}"
            )
            problem.steps = list(reversed(first["loc"]))
            raise problem from None
        check_equal(valid, back)

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

    def _refusal(self, problem: NotStorable) -> UnstorableValue:
        if self._is_secret(tuple(reversed(problem.steps))):
            problem.value = HIDDEN
        return problem.refusal(_ROOT)

    def _is_secret(self, steps: Sequence[object]) -> bool:
        # A value is secret below a redacted path, and above it too, because it contains it.
        return any(
            all(name == step for name, step in zip(path, steps, strict=False))
            for path in self._redact
        )

    def _check_redact(self) -> None:
        if self._signature.extra_name is not None:
            return
        for path in self._redact:
            if path[0] not in self._signature.parameters:
                raise InvalidTask(
                    self.task, f"redact names {path[0]!r}, which is none of its parameters."
                )


def encode_mapping(
    arguments: Mapping[str, object], *, task: str, args_bytes_max: int = ARGS_BYTES_MAX
) -> str:
    """Return the JSON text of arguments by parameter name, for a task whose code is not here.

    Accepts only what JSON can hold: without type hints nothing else can be read back.

    Raises:
        UnstorableValue: A value would not read back equal.
        PayloadTooLarge: The text exceeds `args_bytes_max`.
    """
    tree = dict(arguments)
    _estimate(task, tree, args_bytes_max)
    check_storable(tree, _ROOT)
    text = write_json(tree)
    _check_size(task, text, args_bytes_max)
    return text


def _estimate(task: str, arguments: Mapping[str, object], args_bytes_max: int) -> SizeEstimate:
    """Refuse arguments that are far too large, before anything is made of them."""
    estimate = SizeEstimate(args_bytes_max * _ESTIMATE_FACTOR)
    estimate.put(dict(arguments))
    if estimate.is_full:
        raise PayloadTooLarge(task, estimate.bytes, args_bytes_max)
    return estimate


def _check_size(task: str, text: str, args_bytes_max: int) -> None:
    size_bytes = len(text) if text.isascii() else len(text.encode())
    if size_bytes > args_bytes_max:
        raise PayloadTooLarge(task, size_bytes, args_bytes_max)
