"""Finds the conditions of a statement, and takes one of them out.

Each operand of a WHERE, an ON or a WHEN is a condition, and so is each in brackets below it. One of
`and` is taken out as `true`, one of `or` as `false`, and a WHEN's only one as `false`, so that its
branch is gone. An `and` or `or` that belongs to none of them is an error: nothing is passed over.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_WORD = re.compile(r"'(?:[^']|'')*'|%\(\w+\)s|[a-z_][\w.]*|[();]", re.IGNORECASE)

# What ends a condition where it stands outside of the condition's own brackets.
_ENDS = frozenset(
    {
        *(";", "then", "else", "end", "where", "on", "when", "as", "group", "order", "limit"),
        *("for", "union", "join", "left", "cross", "returning"),
    }
)

_INSTEAD = {"and": "true", "or": "false"}


@dataclass(frozen=True, slots=True)
class Conjunct:
    """One condition at its place in a text, what takes its place, and which of its like it is."""

    start: int
    end: int
    text: str
    instead: str
    nth: int

    def __str__(self) -> str:
        return self.text if self.nth == 1 else f"{self.text} ({self.nth})"


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    depth: int


def conjuncts(text: str) -> list[Conjunct]:
    """Every condition, in order.

    Raises:
        ValueError: There is one that this cannot read.
    """
    words = list(_words(text))
    read = {joint for place in _openings(words) for joint in _joints(words, place)}
    unread = [word.start for n, word in enumerate(words) if word.text in _INSTEAD and n not in read]
    if unread:
        raise ValueError(f"cannot read {text[unread[0] :][:60]!r}")
    found, seen = [], Counter[str]()
    for start, end, instead in sorted(
        operand for place in _openings(words) for operand in _operands(text, words, place)
    ):
        plain = " ".join(text[start:end].split())
        seen[plain] += 1
        found.append(Conjunct(start, end, plain, instead, seen[plain]))
    return found


def without(text: str, conjunct: Conjunct) -> str:
    """The text without a condition."""
    return f"{text[: conjunct.start]}{conjunct.instead}{text[conjunct.end :]}"


def _words(text: str) -> Iterator[_Word]:
    depth = 0
    for match in _WORD.finditer(text):
        word = match.group().lower()
        depth -= word == ")"
        yield _Word(word, match.start(), depth)
        depth += word == "("


def _openings(words: list[_Word]) -> list[int]:
    """Where conditions begin: behind their keywords, and inside the brackets of one."""
    found = [n for n, word in enumerate(words) if _is_opening(words, n, word.text)]
    for place in found:
        for begin, end in _parts(words, place + 1):
            bracket = begin + (words[begin].text == "not")
            if words[bracket].text == "(" and _partner(words, bracket) == end - 1:
                # Grows what is gone through: there may be brackets inside these.
                found += [bracket] if _joints(words, bracket) else []
    return found


def _is_opening(words: list[_Word], place: int, word: str) -> bool:
    if word == "on":
        return words[place + 1].text != "conflict"
    # `case x when 1` compares a value, and asks nothing.
    return word == "where" or (word == "when" and words[_case_of(words, place) + 1].text == "when")


def _case_of(words: list[_Word], place: int) -> int:
    inner = 0
    for before in range(place - 1, -1, -1):
        if words[before].text == "case":
            if inner == 0:
                return before
            inner -= 1
        inner += words[before].text == "end"
    raise ValueError("a WHEN without a CASE")


def _partner(words: list[_Word], bracket: int) -> int:
    depth = words[bracket].depth
    return next(
        n
        for n in range(bracket + 1, len(words))
        if words[n].depth == depth and words[n].text == ")"
    )


def _end(words: list[_Word], first: int) -> int:
    depth = words[first].depth
    for place in range(first, len(words)):
        word = words[place]
        if word.depth < depth or (word.depth == depth and word.text in _ENDS):
            return place
    return len(words)


def _joints(words: list[_Word], opening: int) -> list[int]:
    """The `and`s or `or`s of the condition behind an opening."""
    first = opening + 1
    depth = words[first].depth
    places = range(first, _end(words, first))
    found = [n for n in places if words[n].depth == depth and words[n].text in _INSTEAD]
    if len({words[n].text for n in found}) > 1:
        raise ValueError("`and` beside `or`, without brackets")
    return found


def _parts(words: list[_Word], first: int) -> list[tuple[int, int]]:
    joints = _joints(words, first - 1)
    return [*zip([first, *(n + 1 for n in joints)], [*joints, _end(words, first)], strict=True)]


def _operands(text: str, words: list[_Word], opening: int) -> Iterator[tuple[int, int, str]]:
    joints = _joints(words, opening)
    alone = "false" if words[opening].text == "when" else "true"
    instead = _INSTEAD[words[joints[0]].text] if joints else alone
    for begin, end in _parts(words, opening + 1):
        stop = words[end].start if end < len(words) else len(text)
        start, after = words[begin].start, len(text[:stop].rstrip())
        if text[start:after] != instead:  # `on true` asks nothing
            yield start, after, instead
