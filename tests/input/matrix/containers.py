"""Containers: too deep, too large, cyclic, or of types that JSON does not have."""

import itertools
from collections import Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from typing import Any

from matrix.value import value

Point = namedtuple("Point", "x y")


def deep(levels: int) -> list[Any]:
    """Lists in lists, *levels* deep."""
    outer: list[Any] = []
    for _ in range(levels - 1):
        outer = [outer]
    return outer


def json_of_depth(levels: int) -> str:
    """The JSON of such lists, which Python's encoder cannot write."""
    return "[" * levels + "]" * levels


def ring() -> list[Any]:
    """A list that contains itself."""
    outer: list[Any] = []
    outer.append(outer)
    return outer


def ring_of_mappings() -> dict[str, Any]:
    """Two dicts that contain each other."""
    outer: dict[str, Any] = {}
    outer["other"] = {"back": outer}
    return outer


def laughs() -> list[Any]:
    """A list of two of a list of two …: 60 objects, and 2**60 of them when written out."""
    outer: list[Any] = ["ha"]
    for _ in range(60):
        outer = [outer, outer]
    return outer


CONTAINERS = [
    value("an empty list", [], "argument"),
    value("an empty dict", {}, "argument"),
    # The arguments are the first level, and the parameter of the task is the second.
    value("63 levels of lists", lambda: deep(63), "argument"),
    value("65 levels of lists", lambda: deep(65)),
    value("3,000 levels of lists", lambda: deep(3_000), json=json_of_depth(3_000)),
    value("20,000 levels of lists", lambda: deep(20_000), json=json_of_depth(20_000)),
    value("a list that contains itself", ring),
    value("dicts that contain each other", ring_of_mappings),
    value("a billion laughs", laughs, json='"no client can send it"'),
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
    value("a generator", lambda: (n for n in range(3)), is_unfinished=True),
    value("an endless iterator", itertools.count),
    value("an endless generator", lambda: (n for n in itertools.count()), is_unfinished=True),
    value("a dict with a number as key", {1: "a"}),
    value("a dict with a number and its text as keys", {1: "a", "1": "b"}),
    value("a dict with None as key", {None: 1}),
    value("a dict with a tuple as key", {(1, 2): 1}),
    value("a dict with an empty key", {"": 1}, "argument"),
    value("a dict with a NUL in a key", {"a\0b": 1}),
    value("a dict with a surrogate in a key", {"\udc00": 1}),
]
