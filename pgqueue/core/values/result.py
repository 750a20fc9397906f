"""The result of a task as JSON text that can always be stored.

A result is only read, so more values are allowed than in arguments. Tuples and sets become lists,
and keys become text. pydantic converts dates, UUIDs, decimals, dataclasses and models. The work is
done by then, so a value that cannot be stored is replaced and not refused. Only a value that stands
for work which is not done is refused: a coroutine, a Future, a generator.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from pgqueue.core.errors import InvalidPayload, ResultTooLarge, UnstorableValue
from pgqueue.core.values.clean_text import REPLACEMENT, clean_text
from pgqueue.core.values.introspect import field_names, is_iterator, name_of, parts, plain_text
from pgqueue.core.values.short_repr import short_repr
from pgqueue.core.values.size_estimate import SizeEstimate, refuse_iterators
from pgqueue.core.values.storable import DEPTH_MAX, NotStorable, examine, path_text, write_json
from pgqueue.core.values.unfinished import close_coroutines, refuse_unfinished

RESULT_BYTES_MAX: Final = 1024 * 1024
"""Default limit of one job's result, in bytes of JSON text."""

_CONTAINERS: Final = (dict, list, tuple, set, frozenset)


@dataclass(frozen=True, slots=True)
class Result:
    """A result as it is stored.

    Attributes:
        text: JSON.
        problem: Why the text differs from the returned value: the first value that was replaced,
            or the size. None when it does not differ.
    """

    text: str
    problem: InvalidPayload | None = None


def encode_result(value: object, *, result_bytes_max: int = RESULT_BYTES_MAX) -> str:
    """Return the JSON text of a result, without a change.

    Raises:
        UnstorableValue: A value in it has no JSON form, or PostgreSQL cannot store it.
        ResultTooLarge: The text exceeds `result_bytes_max`.
        TypeError: A value in it stands for work which is not done.
    """
    result = salvage_result(value, result_bytes_max=result_bytes_max)
    if result.problem is not None:
        raise result.problem
    return result.text


def salvage_result(value: object, *, result_bytes_max: int = RESULT_BYTES_MAX) -> Result:
    """Return a result in a form that can be stored; a text with U+FFFD replaces other values.

    Nothing is stored of a result that is too large: half a result would be misread.

    Raises:
        TypeError: A value in it stands for work which is not done.
    """
    if value is None:
        return Result("null")
    estimate = SizeEstimate(result_bytes_max)
    estimate.put(value)
    if estimate.is_full:
        return _too_large(estimate.bytes, result_bytes_max)
    salvage = _Salvage()
    try:
        tree = salvage.convert(value)
    except TypeError:
        close_coroutines(value)
        raise
    text = write_json(tree)
    size_bytes = len(text) if text.isascii() else len(text.encode())
    if size_bytes > result_bytes_max:
        return _too_large(size_bytes, result_bytes_max)
    return Result(text, salvage.problem)


def _too_large(size_bytes: int, result_bytes_max: int) -> Result:
    problem = ResultTooLarge(size_bytes, result_bytes_max)
    return Result(write_json(f"{REPLACEMENT} {problem}"), problem)


class _Salvage:
    """Converts one result to a tree of JSON's types, and records the first value it replaced."""

    def __init__(self) -> None:
        self.problem: UnstorableValue | None = None
        self._steps: list[object] = []

    def convert(self, value: Any) -> object:
        """The value in JSON's types, or a text in its place."""
        kind = type(value)
        if issubclass(kind, Enum):
            value = value._value_
            kind = type(value)
        if issubclass(kind, str):
            return self._text(plain_text(value) or "")
        if issubclass(kind, int) and kind is not bool:
            value = int.__int__(value)
        elif issubclass(kind, float):
            value = float.__float__(value)
        elif issubclass(kind, _CONTAINERS):
            return self._container(value)
        elif kind not in (bool, type(None)):
            return self._foreign(value)
        try:
            examine(value, exact=False)
        except NotStorable as problem:
            return self._replaced(value, problem.reason)
        return value

    def _text(self, text: str) -> str:
        clean = clean_text(text, len(text) * 4)
        if clean != text:
            try:
                examine(text, exact=False)
            except NotStorable as problem:
                self._record(text, problem.reason)
        return clean

    def _container(self, value: Any) -> object:
        if len(self._steps) >= DEPTH_MAX:
            reason = f"it is nested deeper than {DEPTH_MAX} levels, or contains itself."
            return self._replaced(value, reason)
        if not issubclass(type(value), dict):
            return [self._below(step, item) for step, item in parts(value)]
        tree: dict[str, object] = {}
        for key, item in parts(value):
            text = self._key(key)
            if text in tree:
                self._record(key, f"another key of the same dict becomes {text!r} too.")
                text += f"{REPLACEMENT}{len(tree)}"
            tree[text] = self._below(key, item)
        return tree

    def _below(self, step: object, item: object) -> object:
        self._steps.append(step)
        converted = self.convert(item)
        self._steps.pop()
        return converted

    def _key(self, key: Any) -> str:
        if issubclass(type(key), str):
            return self._text(plain_text(key) or "")
        try:
            [text] = _jsonable({key: None})
        except Exception:
            text = self._replaced(key, "JSON has only text keys, and it has no form as text.")
        return self._text(text)

    def _foreign(self, value: Any) -> object:
        """The value as pydantic converts it; its class may do anything meanwhile."""
        refuse_unfinished(value, self._steps)
        reason = f"JSON has no form for a {name_of(type(value))}. Return what JSON can hold."
        if is_iterator(value) or len(self._steps) > DEPTH_MAX:
            return self._replaced(value, reason)
        try:
            refuse_iterators(value)
            fallback = self._without_fields if field_names(value) else None
            tree = _jsonable(value, fallback=fallback)
        except Exception:
            return self._replaced(value, reason)
        return self._replaced(value, reason) if tree is value else self.convert(tree)

    def _without_fields(self, value: object) -> str:
        return self._replaced(value, f"JSON has no form for a {name_of(type(value))}.")

    def _replaced(self, value: object, reason: str) -> str:
        self._record(value, reason)
        return f"{REPLACEMENT}{short_repr(value)}"

    def _record(self, value: object, reason: str) -> None:
        if self.problem is None:
            self.problem = UnstorableValue(path_text("result", self._steps), value, reason)


def _jsonable(value: object, **options: Any) -> Any:
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, inf_nan_mode="constants", bytes_mode="base64", **options)
