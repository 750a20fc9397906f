"""Patterns of queue names, as a worker takes them: a name, or a prefix that ends in `/`.

`mail/` takes `mail/` itself and every sub-queue, such as `mail/slow`. It does not take `mail`.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

PREFIX_END: Final = "/"
"""The last character of a pattern that takes sub-queues. No job's queue ends in it."""

# A claim that reads this many queues costs no more than a claim that reads a few.
_QUEUES_MAX: Final = 32


def is_prefix(pattern: str) -> bool:
    """Return whether a pattern takes sub-queues."""
    return pattern.endswith(PREFIX_END)


def matches_any(patterns: Iterable[str], queue: str) -> bool:
    """Return whether one of the patterns takes a queue."""
    # No call for each pattern: a scan may compare a thousand queues with a thousand patterns.
    return any(
        queue.startswith(pattern) if pattern.endswith(PREFIX_END) else queue == pattern
        for pattern in patterns
    )


def is_split(patterns: Collection[str], queue: str) -> bool:
    """Return whether the patterns take each part of a queue's name with commas, but not the queue.

    Then the list of patterns was probably split at these commas.
    """
    parts = [part.strip() for part in queue.split(",")]
    return len(parts) > 1 and set(parts) <= set(patterns) and not matches_any(patterns, queue)


def split_patterns(patterns: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the names among the patterns, then the prefixes, each in the order of the patterns."""
    names: list[str] = []
    prefixes: list[str] = []
    for pattern in patterns:
        (prefixes if is_prefix(pattern) else names).append(pattern)
    return names, prefixes


def in_pattern_order(patterns: Iterable[str], queues: Collection[str]) -> list[str]:
    """Return the queues that the patterns take, each once, in the order of the patterns.

    The queues of one prefix are sorted by name.
    """
    ordered: dict[str, None] = {}
    for pattern in patterns:
        if is_prefix(pattern):
            ordered |= dict.fromkeys(sorted(q for q in queues if q.startswith(pattern)))
        elif pattern in queues:
            ordered[pattern] = None
    return list(ordered)


def claims_by_name(patterns: Sequence[str]) -> bool:
    """Return whether workers claim only from queues that their supervisor named as ready.

    They do where there are many patterns, and where a prefix stands for names that are not known.
    """
    return len(patterns) > _QUEUES_MAX or any(map(is_prefix, patterns))
