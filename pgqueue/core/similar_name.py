"""The known name that a mistyped name most likely means."""

from collections.abc import Iterable


def similar_name(name: str, known: Iterable[str]) -> str | None:
    """Return the name of *known* that is most like *name*; None when none is like it."""
    # Loaded when a name is wrong: every worker would pay for it else.
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), 1)), None)
