"""A task's signature: how a call's arguments get their names, and how to call the task.

It is read once, when the function becomes a task. Type hints are not resolved here: a name in
them may be defined further down in the module.
"""

import inspect
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pgqueue.core.errors import InvalidArguments, InvalidTask


class Signature:
    """The parameters of one function.

    Args:
        task: The task's name, for errors.

    Attributes:
        parameters: Every parameter in order, by name.
        names: The names of the parameters, in order.
        extra_name: The name of the `**` parameter; None without one.

    Raises:
        InvalidTask: The function has a `*` parameter, whose values have no names to be stored by.
    """

    __slots__ = (
        "_is_simple",
        "_name_set",
        "_positional",
        "_positional_only",
        "_required",
        "_signature",
        "_text",
        "extra_name",
        "function",
        "names",
        "parameters",
        "task",
    )

    def __init__(self, function: Callable[..., object], task: str) -> None:
        self.function = function
        self.task = task
        self._signature = _inspect(function)
        self._text: str | None = None
        self.parameters: Mapping[str, inspect.Parameter] = self._signature.parameters
        self.names = tuple(self.parameters)
        self.extra_name: str | None = None
        for parameter in self.parameters.values():
            if parameter.kind is parameter.VAR_POSITIONAL:
                raise InvalidTask(
                    task,
                    f"the values of *{parameter.name} have no names to be stored by. Take a list.",
                )
            if parameter.kind is parameter.VAR_KEYWORD:
                self.extra_name = parameter.name
        every = self.parameters.values()
        self._positional_only = tuple(p.name for p in every if p.kind is p.POSITIONAL_ONLY)
        self._positional = tuple(p.name for p in every if p.kind is not p.KEYWORD_ONLY)
        self._required = frozenset(p.name for p in every if p.default is p.empty)
        self._name_set = frozenset(self.names)
        self._is_simple = self.extra_name is None and not self._positional_only

    @property
    def text(self) -> str:
        """How to call the task, as one line of text."""
        if self._text is None:
            self._text = _text(self.task, self._signature)
        return self._text

    def bind(self, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, Any]:
        """Return a call's arguments by parameter name, without defaults.

        Raises:
            InvalidArguments: They do not fit the signature.
        """
        if self._is_simple and len(args) <= len(self._positional):
            # `inspect.Signature.bind` takes longer than validation and encoding together. It is
            # called only to say what is wrong.
            arguments: dict[str, Any] = dict(zip(self._positional, args, strict=False))
            if not kwargs or (
                arguments.keys().isdisjoint(kwargs) and self._name_set.issuperset(kwargs)
            ):
                arguments |= kwargs
                if self._required.issubset(arguments):
                    return arguments
        try:
            arguments = self._signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise InvalidArguments(self.task, [str(error)], self.text) from None
        if self.extra_name is not None and self.extra_name in arguments:
            extra = arguments.pop(self.extra_name)
            if not arguments.keys().isdisjoint(extra):
                both = ", ".join(sorted(arguments.keys() & extra.keys()))
                problem = f"{both} is given both by position and by name"
                raise InvalidArguments(self.task, [problem], self.text)
            arguments |= extra
        return arguments

    def call_arguments(self, arguments: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the positional and the named arguments that call the function."""
        if not self._positional_only:
            return (), arguments
        named = dict(arguments)
        positional: list[Any] = []
        passed = [name for name in self._positional_only if name in named]
        if passed:
            # Python takes these by position alone, so a gap before the last one is filled with
            # the parameter's default.
            last = self._positional_only.index(passed[-1])
            for name in self._positional_only[: last + 1]:
                positional.append(named.pop(name, self.parameters[name].default))
        return tuple(positional), named


def _inspect(function: Callable[..., object]) -> inspect.Signature:
    if sys.version_info >= (3, 14):
        # Python 3.14 evaluates hints when they are read, and a name may be defined further down
        # in the module that is being imported.
        from annotationlib import Format

        return inspect.signature(function, annotation_format=Format.FORWARDREF)
    return inspect.signature(function)


class _Bare(str):
    """A type hint that is text already, and is shown without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _text(task: str, signature: inspect.Signature) -> str:
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
