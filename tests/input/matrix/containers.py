"""Containers: too deep, too large, holding themselves, or of kinds that JSON does not know."""

import itertools
from collections import Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from typing import Any

from matrix.value import value

Point = namedtuple("Point", "x y")


def deep(levels: int) -> list[Any]:
    """Lists in lists, as many as said."""
    made: list[Any] = []
    for _ in range(levels - 1):
        made = [made]
    return made


def json_of_depth(levels: int) -> str:
    """The text of such lists, which Python's encoder cannot write."""
    return "[" * levels + "]" * levels


def ring() -> list[Any]:
    """A list that holds itself."""
    made: list[Any] = []
    made.append(made)
    return made


def ring_of_mappings() -> dict[str, Any]:
    """Two dicts that hold each other."""
    made: dict[str, Any] = {}
    made["other"] = {"back": made}
    return made


def laughs() -> list[Any]:
    """A list of two of a list of two …: 60 objects, and 2**60 of them when written out."""
    made: list[Any] = ["ha"]
    for _ in range(60):
        made = [made, made]
    return made


CONTAINERS = [
    value("an empty list", [], "argument"),
    value("an empty dict", {}, "argument"),
    # The arguments are the first level, and those of the task's parameter the second.
    value("63 levels of lists", lambda: deep(63), "argument"),
    value("65 levels of lists", lambda: deep(65)),
    value("3,000 levels of lists", lambda: deep(3_000), json=json_of_depth(3_000)),
    value("20,000 levels of lists", lambda: deep(20_000), json=json_of_depth(20_000)),
    value("a list that holds itself", ring),
    value("dicts that hold each other", ring_of_mappings),
    value("a billion laughs", laughs, json='"no client could"'),
    value("100,000 keys", lambda: {f"key {n}": n for n in range(100_000)}),
    value("30,000 empty lists", lambda: [[] for _ in range(30_000)]),
    value("a tuple", (1, 2)),
    value("a named tuple", Point(1, 2)),
    value("a set", lambda: {1, 2}),
    value("a frozen set", frozenset({1})),
    value("bytes", b"\x00\xff"),
    value("a bytearray", lambda: bytearray(b"\xff")),
    value("a memoryview", lambda: memoryview(b"\xff")),
    value("a range", range(3)),
    value("a deque", lambda: deque([1])),
    value("an ordered dict", lambda: OrderedDict(a=1)),
    value("a default dict", lambda: defaultdict(int, a=1)),
    value("a counter", lambda: Counter("aab")),
    value("a mapping that is no dict", lambda: UserDict(a=1)),
    value("a generator", lambda: (n for n in range(3))),
    value("an endless iterator", itertools.count),
    value("an endless generator", lambda: (n for n in itertools.count())),
    value("a dict with a number as key", {1: "a"}),
    value("a dict with a number and its text as keys", {1: "a", "1": "b"}),
    value("a dict with None as key", {None: 1}),
    value("a dict with a tuple as key", {(1, 2): 1}),
    value("a dict with an empty key", {"": 1}, "argument"),
    value("a dict with a NUL in a key", {"a\0b": 1}),
    value("a dict with a surrogate in a key", {"\udc00": 1}),
]
