"""The proof that a value reads back equal, and the search for the value that does not."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pgqueue.core.values.hints import first_line
from pgqueue.core.values.introspect import field_names, name_of, parts
from pgqueue.core.values.storable import DEPTH_MAX, TYPE_ADVICE, NotStorable

_MISSING: Final = object()


def check_equal(sent: object, back: object) -> None:
    """Raise NotStorable at the first value that did not come back as it was sent."""
    if type(sent) is not type(back):
        raise NotStorable(
            sent,
            f"its type {type(sent).__name__} would come back as {type(back).__name__}. "
            f"{TYPE_ADVICE}",
        )
    pairs = _pairs(sent, back)
    if pairs is None:
        if sent != back and not _is_same_moment(sent, back):
            raise NotStorable(
                sent, "it would come back changed. Give its type a form that reads back."
            )
        return
    for step, left, right in pairs:
        try:
            check_equal(left, right)
        except NotStorable as problem:
            problem.steps.append(step)
            raise


def find_undumpable(value: object, error: Exception, depth: int = 1) -> NotStorable:
    """Return the innermost value that has no JSON form, found by dumping the items one by one."""
    if depth > DEPTH_MAX:
        return NotStorable(
            value, f"it is nested deeper than {DEPTH_MAX} levels, or contains itself."
        )
    for step, item in parts(value):
        try:
            _jsonable(item)
        except Exception as inner:
            problem = find_undumpable(item, inner, depth + 1)
            problem.steps.append(step)
            return problem
    if type(value).__module__ == "builtins":
        return NotStorable(value, f"{first_line(error)}. {TYPE_ADVICE}")
    return NotStorable(value, f"JSON has no form for a {name_of(type(value))}. {TYPE_ADVICE}")


def _jsonable(value: object) -> object:
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, inf_nan_mode="constants", bytes_mode="base64")


def _pairs(sent: Any, back: Any) -> list[tuple[object, object, object]] | None:
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
