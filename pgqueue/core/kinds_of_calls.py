"""What a call of a function, or of an object that can be called like one, does."""

from collections.abc import Callable
from functools import partial
from typing import Any


def is_call_of(function: Any, *kinds: Callable[[Any], bool]) -> bool:
    """Whether a call is a call of one of these kinds of functions, as `inspect` tells them."""
    while isinstance(function, partial):
        function = function.func
    # For an object with `async def __call__` inspect answers False.
    functions = (function, type(function).__call__)
    return any(is_kind(candidate) for is_kind in kinds for candidate in functions)
