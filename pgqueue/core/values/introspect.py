"""The parts of a value, read without running the code of its class.

The methods of a class may return a wrong name, items or length, may run for ever, or raise. Errors,
results and the first check of arguments must neither wait nor fail.
"""

from collections.abc import Iterator
from typing import Any, Final

_name_of: Final[Any] = type.__dict__["__name__"].__get__
_qualname_of: Final[Any] = type.__dict__["__qualname__"].__get__
_module_of: Final[Any] = type.__dict__["__module__"].__get__


def name_of(kind: type) -> str:
    """Return the name of a class, and not the one that its metaclass returns."""
    return str(plain_text(_name_of(kind)))


def path_of(kind: type) -> str:
    """Return `module.qualname` of a class; for a builtin and a class of pgqueue its name alone."""
    name = str(plain_text(_qualname_of(kind)))
    module = plain_text(_module_of(kind))
    needs_no_module = module is None or module == "builtins" or module.startswith("pgqueue.")
    return name if needs_no_module else f"{module}.{name}"


def plain_text(value: Any, characters_max: int | None = None) -> str | None:
    """Return a text of any class, or its beginning, as a plain str; None for any other value."""
    if not issubclass(type(value), str):
        return None
    return str.__getitem__(value, slice(characters_max))


def is_iterator(value: object) -> bool:
    """Return whether a value can be read only once, and perhaps never ends."""
    return hasattr(type(value), "__next__")


def parts(value: Any) -> Iterator[tuple[Any, object]]:
    """Yield the items of a value, each with the step to it; nothing for a plain value."""
    kind = type(value)
    if issubclass(kind, dict):
        yield from dict.items(value)
    elif issubclass(kind, list):
        yield from enumerate(list.__iter__(value))
    elif issubclass(kind, tuple):
        yield from enumerate(tuple.__iter__(value))
    elif issubclass(kind, set):
        yield from enumerate(set.__iter__(value))
    elif issubclass(kind, frozenset):
        yield from enumerate(frozenset.__iter__(value))
    else:
        for name in field_names(value) or ():
            yield name, getattr(value, name, None)


def field_names(value: Any) -> list[str] | None:
    """Return the fields of a dataclass or of a pydantic model; None for any other."""
    kind = type(value)
    if hasattr(kind, "__dataclass_fields__"):
        return list(kind.__dataclass_fields__)
    if hasattr(kind, "__pydantic_fields__"):
        return [*kind.__pydantic_fields__, *(value.__pydantic_extra__ or ())]
    return None
